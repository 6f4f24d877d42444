import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDirect } from '../../src/batch/shards/tries.js';
import { JobEnder } from '../../src/jobs/job-ender.js';
import { Database } from '../../src/database/database.service.js';
import { BatchRig } from './rig.js';

describe('how a job ends', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  async function cancel(id: string): Promise<void> {
    await rig.module.get(Database).transaction(async (tx) => {
      await tx.execute('update openai_batches set cancel_requested = true where job_id = $1', [id]);
      await rig.module.get(JobEnder).endJob(tx, id, 'cancelled');
    });
  }

  async function age(id: string, hours: number): Promise<void> {
    await rig.db.database.execute(
      'update batch_jobs set created_at = now() - make_interval(hours => $2) where id = $1',
      [id, hours],
    );
  }

  const settled = () => rig.settled();

  it('a job lets lots without photos, and with too few of them, fail alone', async () => {
    const id = await rig.job({
      lots: 4,
      photos: (position) =>
        [[], ['/missing1.jpg'], ['/a.jpg', '/b.jpg', '/c.jpg', '/missing2.jpg'], ['/d.jpg']][position] ?? [],
    });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2, failed_lots: 2 });
    expect((await rig.lots(id)).map((lot) => lot.error?.code)).toEqual([
      'NO_IMAGES',
      'IMAGE_UNREACHABLE',
      undefined,
      undefined,
    ]);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a job fails only when no lot could be finished', async () => {
    const id = await rig.job({ lots: 2, photos: () => ['/missing.jpg'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'failed', failed_lots: 2 });
    await rig.runUntil(settled);
    expect(Object.keys(await rig.created())).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])('results are frozen by a cancel after %i rounds of stages', async (rounds) => {
    const names = ['photos', 'submit', 'watch', 'take-in', 'submit', 'watch'] as const;
    const id = await rig.job();
    for (const name of names.slice(0, rounds)) {
      await rig.makeDue();
      await rig.run(name);
    }
    await cancel(id);
    const frozen = await rig.results(id);
    await rig.runUntil(settled);
    expect(await rig.jobRow(id)).toMatchObject({ status: 'cancelled' });
    expect(await rig.results(id)).toEqual(frozen);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a cancelled job counts what OpenAI still answers, and keeps none of it', async () => {
    const id = await rig.job();
    await rig.run('photos');
    await rig.run('submit');
    while (!(await rig.shards()).some((shard) => shard.status === 'taking_in')) {
      await rig.makeDue();
      await rig.run('watch');
    }
    await cancel(id);
    await rig.runUntil(settled);
    expect(await rig.results(id)).toEqual([]);
    expect(await rig.db.database.query('select stage, calls from job_usage')).toEqual([{ stage: 'vision', calls: 3 }]);
    // The key has paid for what came too late, and has no lot for it.
    const used = await rig.db.database.query(
      'select lots::int, input_tokens > 0 as tokens, cost_usd > 0 as cost from key_usage_entries',
    );
    expect(used).toEqual([{ lots: 0, tokens: true, cost: true }]);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a job ends within a day though both model stages are stuck at OpenAI', async () => {
    await rig.fault({ action: 'batch_stuck', state: 'finalizing' });
    const id = await rig.job();
    await rig.run('photos');
    await rig.run('submit');
    await age(id, 22);
    const job = await rig.runToEnd(id);
    expect(job).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
    await rig.runUntil(settled);
    const [batch, ...direct] = (await rig.shards()).map((shard) => shard.attempt);
    expect(batch).toBe(0);
    // Lots that the batch had answered when it was cancelled are translated directly, all others are asked for so from the start.
    expect(direct.length).toBeGreaterThan(0);
    expect(direct.filter((attempt) => !isDirect(attempt))).toEqual([]);
  });

  it('a job gives up a batch that cannot even be cancelled', async () => {
    await rig.fault({ action: 'batch_stuck', state: 'cancelling' }, { action: 'batch_stuck', state: 'in_progress' });
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    await rig.run('submit');
    await age(id, 23);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
  });

  it('a job does not pass the cost that the client allows', async () => {
    const id = await rig.job({ options: { max_cost_usd: 0.0001 } });
    await age(id, 22);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'failed', failed_lots: 3 });
    expect((await rig.lots(id)).map((lot) => lot.error?.code)).toEqual(Array(3).fill('COST_LIMIT_EXCEEDED'));
    expect(await rig.jobRow(id)).toMatchObject({ cost_usd: '0.00000000' });
  });
});
