import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OverdueJobs } from '../../src/batch/upkeep/overdue-jobs.js';
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

  /** Every lot is described, and waits for words. */
  const described = (id: string) =>
    expect
      .poll(
        async () => {
          await stages();
          return (await rig.lots(id)).every(({ status }) => status === 'translating');
        },
        { timeout: 30_000 },
      )
      .toBe(true);

  it('wait for them as translating, at latest until BATCH_DEADLINE, and then carry English', async () => {
    const id = await rig.job({ lots: 2, languages: ['de', 'fi'] });
    await described(id);
    expect(await rig.jobRow(id)).toMatchObject({ status: 'translating', awaiting_translation: 2 });
    await stages();
    expect((await rig.shards()).at(-1)).toMatchObject({ stage: 'translation', status: 'direct', reason: 'glossary' });
    await rig.db.database.execute(`update batch_jobs set created_at = created_at - interval '22 hours 5 minutes'`);
    await stages();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.results(id)).toEqual(['0 de', '0 en', '0 fi fallback', '1 de', '1 en', '1 fi fallback']);
    expect(await rig.directCalls()).toBe(1);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('carry English after a day, and what the model has not described by then fails', async () => {
    const id = await rig.job({ languages: ['en', 'fi'] });
    await described(id);
    await rig.db.database.execute(
      `update batch_lots set status = 'processing', attempt = 0 where job_id = $1 and position = 0`,
      [id],
    );
    await rig.db.database.execute('update batch_jobs set awaiting_vision = 1, awaiting_translation = 2 where id = $1', [
      id,
    ]);
    await rig.db.database.execute(`update batch_jobs set created_at = created_at - interval '24 hours'`);
    await rig.module.get(OverdueJobs).end();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'completed', processed_lots: 2, failed_lots: 1 });
    expect((await rig.lots(id))[0]?.error?.code).toBe('DEADLINE_EXCEEDED');
    expect(await rig.results(id)).toContain('1 fi fallback');
    expect(await rig.audit(id)).toEqual([]);
  });
});
