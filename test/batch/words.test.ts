import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatchRig } from './rig.js';

describe('lots whose language has no words yet', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start({ SHUTDOWN_GRACE: '0' });
    await rig.fault({ action: 'hang', path: '/v1/responses' });
  });
  afterEach(() => rig.close());

  /** The stages, without waiting for the making. */
  async function stages(): Promise<void> {
    for (const name of ['photos', 'submit', 'watch', 'take-in', 'direct'] as const) {
      for (let round = 0; round < 5; round += 1) {
        await rig.makeDue();
        await rig.run(name);
      }
    }
  }

  it('wait for them as translating, at latest until BATCH_DEADLINE, and then carry English', async () => {
    const id = await rig.job({ lots: 2, languages: ['de', 'fi'] });
    await stages();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'translating', awaiting_translation: 2 });
    expect((await rig.shards()).at(-1)).toMatchObject({ stage: 'translation', status: 'direct', reason: 'glossary' });
    await rig.db.database.execute(`update batch_jobs set created_at = created_at - interval '22 hours 5 minutes'`);
    await stages();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.results(id)).toEqual(['0 de', '0 en', '0 fi fallback', '1 de', '1 en', '1 fi fallback']);
    expect(await rig.directCalls()).toBe(1);
    expect(await rig.audit(id)).toEqual([]);
  });
});
