import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { JobCountsStore } from '../../src/jobs/job-counts-store.js';
import { countMoves } from '../../src/jobs/job-metrics.js';
import { UnfinishedFigures } from '../../src/jobs/unfinished-figures.js';
import { aJob } from '../support/a-job.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL and the registry.
describe('what the metrics say of unfinished work', () => {
  let db: TestDatabase;
  let counts: JobCountsStore;
  let figures: UnfinishedFigures;

  beforeEach(async () => {
    db = await createTestDatabase();
    counts = new JobCountsStore(db.database);
    figures = new UnfinishedFigures(counts);
    figures.onModuleInit();
  });
  afterEach(async () => {
    figures.onModuleDestroy();
    vi.restoreAllMocks();
    await db.drop();
  });

  const lines = async (name: string) =>
    (await metricsRegistry.metrics()).split('\n').filter((line) => line.startsWith(name));
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);

  it('unfinished work is shown by the state of jobs and the stage of lots, without what has ended', async () => {
    await aJob(db.database, { status: 'pending', totalLots: 7, awaitingImages: 7 });
    await aJob(db.database, { status: 'processing', totalLots: 9, awaitingVision: 4, awaitingTranslation: 5 });
    await aJob(db.database, { status: 'completed', totalLots: 3, processedLots: 3, completedAt: new Date() });
    expect(await lines('jobs_unfinished{')).toEqual([
      'jobs_unfinished{status="pending"} 1',
      'jobs_unfinished{status="processing"} 1',
      'jobs_unfinished{status="translating"} 0',
    ]);
    expect(await lines('lots_unfinished{')).toEqual([
      'lots_unfinished{stage="image_check"} 7',
      'lots_unfinished{stage="vision_analysis"} 4',
      'lots_unfinished{stage="translation"} 5',
    ]);
    expect(await lines('jobs_paused ')).toEqual(['jobs_paused 0']);
  });

  it('the oldest unfinished lot is that of the oldest job that is not paused, without the time of earlier pauses', async () => {
    expect((await counts.unfinished()).oldestSeconds).toBe(0);
    const pausedMs = 3 * 3_600_000;
    await aJob(db.database, { status: 'pending', createdAt: ago(9), pausedAt: ago(8), pausedByClient: true });
    await aJob(db.database, { status: 'processing', createdAt: ago(5), pausedMs: String(pausedMs) as never });
    await aJob(db.database, { status: 'processing', createdAt: ago(1) });
    await aJob(db.database, { status: 'completed', createdAt: ago(20), completedAt: ago(1) });
    const { oldestSeconds, paused } = await counts.unfinished();
    expect(Math.round(oldestSeconds / 3600)).toBe(2);
    expect(paused).toBe(1);
  });

  it('unfinished work costs one look for all its figures, and is absent while the database cannot say', async () => {
    const look = vi.spyOn(counts, 'unfinished').mockRejectedValue(new Error('connect ECONNREFUSED'));
    vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    expect(await lines('jobs_unfinished{')).toEqual([]);
    expect(await lines('lots_oldest_unfinished_seconds ')).toEqual([]);
    expect(await lines('process_cpu_user_seconds_total')).toHaveLength(1);
    expect(look).toHaveBeenCalledTimes(1);
  });

  it('the look at unfinished work reads no job that has ended', async () => {
    await db.database.execute(
      `insert into batch_jobs (id, key_id, secret_fingerprint, mode, status, languages, total_lots, created_at, updated_at,
         completed_at)
       select gen_random_uuid(), 'acme', 'x', 'batch', 'completed', '{en}', 50000, now(), now(), now()
       from generate_series(1, 20000)`,
    );
    await aJob(db.database, { status: 'processing', totalLots: 50_000, awaitingVision: 50_000 });
    await db.database.execute('analyze batch_jobs');
    const query = vi.spyOn(db.database, 'query');
    await counts.unfinished();
    const [text = ''] = query.mock.calls[0] ?? [];
    const plan = await db.database.query<{ 'QUERY PLAN': string }>(`explain ${text}`);
    expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('batch_jobs_unfinished_idx');
  });
});

it('lots that passed a stage of a batch are counted once they are committed, by the counters that sank', async () => {
  const value = async (name: string, labels: string) => {
    const line = (await metricsRegistry.metrics()).split('\n').find((each) => each.startsWith(`${name}{${labels}} `));
    return Number(line?.split(' ')[1] ?? 0);
  };
  const before = await value('batch_lots_passed_total', 'stage="vision_analysis"');
  countMoves({ awaitingVision: -5, awaitingTranslation: 3, processed: 1, failed: { REFUSED: 1 } });
  expect(await value('batch_lots_passed_total', 'stage="vision_analysis"')).toBe(before + 5);
  expect(await value('batch_lots_passed_total', 'stage="translation"')).toBe(0);
  expect(await value('batch_lots_ended_total', 'outcome="completed"')).toBe(1);
  expect(await value('batch_lots_ended_total', 'outcome="failed"')).toBe(1);
});
