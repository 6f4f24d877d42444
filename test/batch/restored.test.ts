import { afterEach, describe, expect, it } from 'vitest';
import { BatchRig } from './rig.js';

// What a database that was restored from a backup does not know: batches that were made since then.

describe('a database that is older than what OpenAI has', () => {
  let rig: BatchRig;
  afterEach(() => rig.close());

  const batches = async () => {
    const { json } = await rig.sandbox.call('GET', '/v1/batches?limit=100');
    return (json['data'] as { id: string; status: string }[]).reverse();
  };

  /** Sets the shard back to what it was before it was sent. */
  const forget = () =>
    rig.db.database.execute(
      `update openai_batches set status = 'queued', submission = 0, batch_id = null, input_file_id = null,
         upstream_status = null, submitted_at = null, request_total = 0, next_check_at = now(), lock_token = null`,
    );

  it('a shard whose batch the database does not know watches that batch, and no other one is paid for', async () => {
    rig = await BatchRig.start();
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    await rig.run('submit');
    const [made] = await batches();
    await forget();
    await rig.run('submit');
    expect(await rig.shards()).toMatchObject([{ status: 'watching' }]);
    expect(await rig.db.database.query('select batch_id from openai_batches')).toEqual([{ batch_id: made?.id }]);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await batches()).toHaveLength(1);
    expect(await rig.countedCalls(id)).toEqual({ vision: 3 });
  });

  it('a batch that failed in validation is not taken for one with answers: its lots are sent again', async () => {
    rig = await BatchRig.start();
    await rig.fault({ action: 'batch_fail', code: 'invalid_json_line', count: 1 });
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    await rig.run('submit');
    await expect.poll(async () => (await batches()).map(({ status }) => status)).toEqual(['failed']);
    await forget();
    await rig.run('submit');
    expect(await batches()).toHaveLength(2);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
  });

  it('a server that refuses to list its batches is sent them all the same', async () => {
    rig = await BatchRig.start();
    await rig.fault({ action: 'status', status: 404, method: 'GET', path: '/v1/batches' });
    const id = await rig.job({ languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
  });

  it('files stay at OpenAI for BATCH_KEEP_FILES after everything of them is taken in', async () => {
    rig = await BatchRig.start({ BATCH_KEEP_FILES: '3600' });
    const id = await rig.job({ languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    await rig.makeDue();
    expect(await rig.run('files')).toBe(0);
    await rig.db.database.execute(`update openai_batches set finished_at = finished_at - interval '2 hours'`);
    await rig.makeDue();
    expect(await rig.run('files')).toBe(1);
  });
});
