import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { estimateLot } from '../../src/assessment/estimate.js';
import { ModelSettings } from '../../src/generation/describe/model-settings.js';
import { BatchRig } from './rig.js';

const LOTS = 3;

describe('max_cost_usd', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  /** What the intake foresees for the rig's lots of two photos, with this many languages besides English. */
  function foreseen(languages: number): number {
    const { costUsd } = estimateLot(2, 0, languages, rig.module.get(ModelSettings).estimate(true));
    if (costUsd === null) throw new Error('the models have no price');
    return LOTS * costUsd;
  }

  const jobWithin = (limit: number) => rig.job({ lots: LOTS, options: { max_cost_usd: limit } });
  const batches = async () => Object.keys(await rig.created()).map((key) => key.split(':')[1]);
  const calls = async () => {
    const { json } = await rig.sandbox.call('GET', '/sandbox/log?bodies=false&path=/v1/responses');
    return (json['requests'] as unknown[]).length;
  };

  it('does not stop a job that costs no more than was foreseen', async () => {
    const id = await jobWithin(foreseen(1));
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: LOTS });
    expect(await rig.results(id)).toEqual(['0 de', '0 en', '1 de', '1 en', '2 de', '2 en']);
    expect(Number((await rig.jobRow(id))['cost_usd'])).toBeLessThanOrEqual(foreseen(1));
    expect(await batches()).toEqual(expect.arrayContaining(['vision', 'translation']));
    expect(await calls()).toBe(0);
  });

  it('keeps translations from being sent when it was reached before them; the English stands in', async () => {
    const id = await jobWithin(1);
    await rig.runUntil(async () => (await rig.lots(id)).every((lot) => lot.status === 'translating'));
    // Second tries made vision dearer than was foreseen.
    await rig.db.database.execute('update batch_jobs set cost_usd = 1 where id = $1', [id]);
    expect(await rig.runToEnd(id)).toMatchObject({
      status: 'completed',
      processed_lots: LOTS,
      failed_lots: 0,
      cost_usd: '1.00000000',
    });
    expect(await rig.results(id)).toEqual(['0 de fallback', '0 en', '1 de fallback', '1 en', '2 de fallback', '2 en']);
    expect(await batches()).toEqual(['vision']);
    expect(await calls()).toBe(0);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('counts what other batches of the job that are under way will cost', async () => {
    const id = await jobWithin(foreseen(0) * 2);
    await rig.run('photos');
    await rig.db.database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
         request_total, next_check_at, created_at)
       values ($1, 'vision', 100, 0, 105, 'acme', 'gpt-5.6-terra', 'watching', 6, 'infinity', now())`,
      [id],
    );
    await rig.run('submit');
    expect(await batches()).toEqual([]);
    expect((await rig.shards()).map(({ attempt, status }) => `${attempt} ${status}`)).toContain('2 direct');
  });

  it('lets lots fail whose description it has no room for, and sends nothing', async () => {
    const id = await jobWithin(foreseen(0) * 0.99);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'failed', failed_lots: LOTS, cost_usd: '0.00000000' });
    expect((await rig.lots(id)).map((lot) => lot.error?.code)).toEqual(Array(LOTS).fill('COST_LIMIT_EXCEEDED'));
    expect(await batches()).toEqual([]);
    expect(await calls()).toBe(0);
  });
});
