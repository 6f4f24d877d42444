import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directTry } from '../../src/batch/shards/tries.js';
import { BatchRig } from './rig.js';

/** Hours after its acceptance at which a job no longer waits for batches that were told to cancel. */
const HARVEST_OVER = 23;

describe('OpenAI says nothing of a batch any more', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  async function age(id: string): Promise<void> {
    await rig.db.database.execute(
      'update batch_jobs set created_at = now() - make_interval(hours => $2) where id = $1',
      [id, HARVEST_OVER],
    );
  }

  async function submitted(): Promise<string> {
    const id = await rig.job();
    await rig.run('photos');
    await rig.run('submit');
    return id;
  }

  it('lots of a batch of which OpenAI says nothing any more, and which it cannot cancel either, are asked for directly', async () => {
    await rig.fault(
      { action: 'batch_stuck', state: 'in_progress' },
      { action: 'status', method: 'GET', path: '/v1/batches/*', status: 500 },
      { action: 'status', method: 'POST', path: '/v1/batches/*/cancel', status: 500 },
    );
    const id = await submitted();
    await age(id);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('lots are asked for directly when OpenAI does not say whether their batch was created', async () => {
    await rig.fault(
      { action: 'batch_stuck', state: 'in_progress' },
      { action: 'reset', after: true, method: 'POST', path: '/v1/batches' },
    );
    const id = await submitted();
    expect(await rig.shards()).toMatchObject([{ status: 'submitting' }]);
    // Only now: before it sends a batch, the service looks whether there is one already.
    await rig.fault({ action: 'status', method: 'GET', path: '/v1/batches', status: 500 });
    await age(id);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('lots are asked for directly when OpenAI does not give what their batch answered', async () => {
    await rig.fault({ action: 'status', method: 'GET', path: '/v1/files/*/content', status: 500 });
    const id = await submitted();
    await rig.runUntil(async () => (await rig.shards()).some((shard) => shard.status === 'taking_in'));
    await age(id);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('nothing is asked for twice while OpenAI may still tell of a batch before its time is over', async () => {
    await rig.fault({ action: 'status', method: 'GET', path: '/v1/batches/*', status: 500, count: 6 });
    const id = await submitted();
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect((await rig.shards()).map((shard) => shard.attempt)).toEqual([0, directTry(0)]);
  });
});
