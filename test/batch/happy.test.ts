import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BatchRig } from './rig.js';

describe('a batch from photos to its end', () => {
  let rig: BatchRig;
  beforeAll(async () => {
    rig = await BatchRig.start();
  });
  afterAll(() => rig.close());

  it('a batch from photos to its end describes and translates every lot and ends the job', async () => {
    const id = await rig.job({ lots: 3, languages: ['sv', 'en', 'fi'] });
    const job = await rig.runToEnd(id);
    expect(job).toMatchObject({ status: 'completed', stage: 'done', processed_lots: 3, failed_lots: 0 });
    expect(await rig.results(id)).toEqual([0, 1, 2].flatMap((lot) => ['en', 'fi', 'sv'].map((tag) => `${lot} ${tag}`)));
    expect(await rig.audit(id)).toEqual([]);
    expect(Number(job['cost_usd'])).toBeGreaterThan(0);
  });

  it('a batch for a job in English needs no second model stage', async () => {
    const id = await rig.job({ lots: 2, languages: ['en', 'en-GB'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.results(id)).toEqual(['0 en', '0 en-GB', '1 en', '1 en-GB']);
    expect(await rig.audit(id)).toEqual([]);
  });
});
