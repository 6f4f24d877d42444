import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobStore } from '../../src/jobs/job-store.js';
import type { UsageRow } from '../../src/jobs/usage-sum.js';
import { KeyUsageStore, type UsageGroup } from '../../src/jobs/key-usage-store.js';
import { aJob } from '../support/a-job.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { usageDifferences } from '../support/usage.js';

// Real: PostgreSQL and its locks.

const CALL: UsageRow = {
  stage: 'vision',
  model: 'o4-mini',
  calls: 1,
  inputTokens: 1000,
  cachedInputTokens: 200,
  outputTokens: 50,
  reasoningTokens: 20,
  // No binary fraction is a tenth of a cent, and the ninth digit has no room.
  costUsd: 0.001000004,
};
const ALL_DAYS = { from: '2000-01-01', to: '2999-12-31' };

describe('the usage of a key', () => {
  let db: TestDatabase;
  let jobs: JobStore;
  let usage: KeyUsageStore;
  beforeEach(async () => {
    db = await createTestDatabase();
    jobs = new JobStore(db.database, { openai: { visionModel: 'o4-mini' } });
    usage = new KeyUsageStore(db.database);
  });
  afterEach(() => db.drop());

  const count = (jobId: string, ...rows: UsageRow[]) => db.database.transaction((tx) => jobs.addUsage(tx, jobId, rows));
  const sums = (by: UsageGroup, keyId = 'acme', days = ALL_DAYS) => usage.sum(keyId, days, by);
  const rowsOf = async (table: string) =>
    (await db.database.query<{ n: number }>(`select count(*)::int as n from ${table}`))[0]?.n;
  const foldAll = async () => {
    while (await usage.fold());
  };

  it('the usage of a key is the sum of its calls, by model and by mode, and nobody else’s', async () => {
    const batch = await aJob(db.database, { keyId: 'acme', totalLots: 3 });
    const sync = await aJob(db.database, { keyId: 'acme', mode: 'sync', totalLots: 1 });
    const other = await aJob(db.database, { keyId: 'beta', totalLots: 1 });
    const translation: UsageRow = { ...CALL, stage: 'translation', model: 'gpt-4.1-mini', costUsd: 0.5 };
    await count(batch, CALL, translation);
    await count(batch, CALL);
    await count(sync, CALL);
    await count(other, CALL);
    await db.database.transaction((tx) => jobs.advance(tx, batch, { processed: 2, failed: { REFUSED: 1 } }));
    const counted = { inputTokens: 3000, cachedInputTokens: 600, outputTokens: 150, costUsd: 0.003 };
    const byModel = [
      { name: 'gpt-4.1-mini', lots: 0, inputTokens: 1000, cachedInputTokens: 200, outputTokens: 50, costUsd: 0.5 },
      { name: 'o4-mini', lots: 2, ...counted },
    ];
    const byMode = [
      { name: 'batch', lots: 2, inputTokens: 3000, cachedInputTokens: 600, outputTokens: 150, costUsd: 0.502 },
      { name: 'sync', lots: 0, inputTokens: 1000, cachedInputTokens: 200, outputTokens: 50, costUsd: 0.001 },
    ];
    expect([await sums('model'), await sums('mode')]).toEqual([byModel, byMode]);
    expect(await sums('day')).toHaveLength(1);
    expect(await sums('mode', 'beta')).toMatchObject([{ name: 'batch', inputTokens: 1000 }]);
    expect(await sums('mode', 'nobody')).toEqual([]);
    await foldAll();
    expect([await sums('model'), await sums('mode')]).toEqual([byModel, byMode]);
    expect(await rowsOf('key_usage_entries')).toBe(0);
    expect(await usageDifferences(db.database)).toEqual([]);
  });

  it('cost is summed without the drift of binary fractions', async () => {
    const id = await aJob(db.database, { keyId: 'acme', totalLots: 1 });
    for (let call = 0; call < 30; call += 1) await count(id, { ...CALL, costUsd: 0.1 });
    await foldAll();
    expect((await sums('day'))[0]?.costUsd).toBe(3);
  });

  it('days are those of UTC, and both ends are included', async () => {
    for (const day of ['2026-01-31', '2026-02-01', '2026-02-28', '2026-03-01']) {
      await db.database.execute(
        `insert into key_usage_entries values ('acme', $1, gen_random_uuid(), 'o4-mini', 'sync', 1, 1, 0, 1, 0.1)`,
        [day],
      );
    }
    const february = await sums('day', 'acme', { from: '2026-02-01', to: '2026-02-28' });
    expect(february.map(({ name }) => name)).toEqual(['2026-02-01', '2026-02-28']);
  });

  it('calls of one key never wait for each other, nor for a worker that sums them', async () => {
    const [first, second] = [await aJob(db.database, { keyId: 'acme' }), await aJob(db.database, { keyId: 'acme' })];
    await count(first, CALL);
    await db.database.transaction(async (tx) => {
      await jobs.addUsage(tx, first, [CALL]);
      // The first has not committed; were they to change one row, this would never end.
      await count(second, CALL);
      await foldAll();
      // The second and what was there before are summed; the first is not seen yet.
      expect(await sums('mode')).toMatchObject([{ inputTokens: 2000 }]);
    });
    expect(await sums('mode')).toMatchObject([{ inputTokens: 3000 }]);
    await foldAll();
    expect(await sums('mode')).toMatchObject([{ inputTokens: 3000 }]);
    expect(await usageDifferences(db.database)).toEqual([]);
  });

  it('workers that sum at the same time count each entry once', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => aJob(db.database, { keyId: 'acme' })));
    await db.database.execute(
      `insert into key_usage_entries
       select 'acme', '2026-01-01'::date + n % 7, gen_random_uuid(), 'm' || n % 3, 'batch', 1, 1, 0, 1, 0.00000001
       from generate_series(1, 25000) n`,
    );
    await Promise.all([foldAll(), foldAll(), foldAll(), ...ids.map((id) => count(id, CALL))]);
    await foldAll();
    expect(await rowsOf('key_usage_entries')).toBe(0);
    const [{ lots, costUsd } = { lots: 0, costUsd: 0 }] = await sums('mode', 'acme', {
      from: '2026-01-01',
      to: '2026-01-07',
    });
    expect([lots, costUsd]).toEqual([25000, 0.00025]);
  });

  it('an answer that is rolled back costs the key nothing', async () => {
    const id = await aJob(db.database, { keyId: 'acme' });
    const undone = db.database.transaction(async (tx) => {
      await jobs.addUsage(tx, id, [CALL]);
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    expect(await sums('day')).toEqual([]);
  });

  it('the migration counts the jobs that are still here for the day on which they ended', async () => {
    const ended = { completedAt: new Date('2026-01-31T23:59:59Z'), status: 'completed' } as const;
    const id = await aJob(db.database, { keyId: 'acme', totalLots: 5, processedLots: 4, failedLots: 1, ...ended });
    const insert = (jobId: string, stage: string, model: string, calls: number) =>
      db.database.execute(
        `insert into job_usage (job_id, stage, model, calls, input_tokens, cached_input_tokens, output_tokens, cost_usd)
         values ($1, $2, $3, $4, 10, 2, 3, 0.00000001)`,
        [jobId, stage, model, calls],
      );
    await insert(id, 'vision', 'o4-mini', 1);
    await insert(id, 'vision', 'gpt-5.6-terra', 4);
    await insert(id, 'translation', 'gpt-4.1-mini', 4);
    const removed = await aJob(db.database, { keyId: '', totalLots: 1, processedLots: 1, ...ended });
    await insert(removed, 'vision', 'o4-mini', 1);
    const file = join(import.meta.dirname, '..', '..', 'migrations', '1764360000000-key-usage.js');
    const { KeyUsage1764360000000: Migration } = (await import(pathToFileURL(file).href)) as {
      KeyUsage1764360000000: new () => {
        up(runner: QueryRunner): Promise<void>;
        down(runner: QueryRunner): Promise<void>;
      };
    };
    const runner = db.dataSource.createQueryRunner();
    await new Migration().down(runner);
    await new Migration().up(runner);
    await runner.release();
    const lots = (await sums('model')).map(({ name, lots: completed, inputTokens }) => [name, completed, inputTokens]);
    expect(lots).toEqual([
      ['gpt-4.1-mini', 0, 10],
      ['gpt-5.6-terra', 4, 10],
      ['o4-mini', 0, 10],
    ]);
    expect((await sums('day')).map(({ name, costUsd }) => [name, costUsd])).toEqual([['2026-01-31', 0.00000003]]);
    expect(await rowsOf('key_usage')).toBe(3);
  });
});
