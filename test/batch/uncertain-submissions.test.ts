import { afterEach, describe, expect, it } from 'vitest';
import { BatchRig } from './rig.js';

interface SandboxBatch {
  id: string;
  status: string;
  input_file_id: string;
  output_file_id: string | null;
  metadata: Record<string, string>;
}

describe('a second batch of one submission', () => {
  let rig: BatchRig;
  afterEach(() => rig.close());

  /** Oldest first. */
  async function batches(): Promise<SandboxBatch[]> {
    const { json } = await rig.sandbox.call('GET', '/v1/batches?limit=100');
    return (json['data'] as SandboxBatch[]).reverse();
  }

  const advance = (seconds: number) => rig.sandbox.call('POST', '/sandbox/clock', { advanceSeconds: seconds });

  it.each([
    ['later', 5],
    ['within the same second', 0],
  ])('a second batch of one submission made %s is cancelled, and never taken in', async (_name, seconds) => {
    rig = await BatchRig.start({}, { SANDBOX_BATCH_FINALIZE_SECONDS: '3600' });
    await rig.fault({ action: 'status', status: 500, after: true, count: 1, method: 'POST', path: '/v1/batches' });
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    await rig.run('submit');
    expect(await rig.shards()).toMatchObject([{ status: 'submitting' }]);
    const [first] = await batches();
    if (first === undefined) throw new Error('no batch was created');
    await advance(seconds);
    // The POST arrived twice: a proxy on the way repeated it.
    const again = await rig.sandbox.call('POST', '/v1/batches', {
      input_file_id: first.input_file_id,
      endpoint: '/v1/responses',
      completion_window: '24h',
      metadata: first.metadata,
    });
    expect(again.status).toBe(200);

    // Both have run, and the second has an output that could be taken for the first one's.
    await expect.poll(async () => (await batches()).map(({ status }) => status)).toEqual(['finalizing', 'finalizing']);

    await rig.makeDue();
    await rig.run('watch');
    const [kept, other] = await batches();
    expect(other).toMatchObject({ id: again.json['id'], status: 'cancelling' });
    expect(kept?.status).toBe('finalizing');
    expect(
      await rig.db.database.query('select batch_id, status, submission from openai_batches where job_id = $1', [id]),
    ).toEqual([{ batch_id: first.id, status: 'watching', submission: 1 }]);

    await advance(3700);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.db.database.query('select calls from job_usage')).toEqual([{ calls: 3 }]);
    await expect.poll(async () => (await batches())[1]?.status).toBe('cancelled');
    const second = (await batches())[1];
    const { json } = await rig.sandbox.call('GET', '/sandbox/log?bodies=false');
    const paths = (json['requests'] as { path: string }[]).map(({ path }) => path);
    const output = second?.output_file_id;
    expect(typeof output).toBe('string');
    expect(paths).toContain(`/v1/files/${(await batches())[0]?.output_file_id}/content`);
    expect(paths).not.toContain(`/v1/files/${output}/content`);
  });
});
