import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failuresByCode } from '../../src/jobs/job-failures.js';
import { JobStore } from '../../src/jobs/job-store.js';
import { LotStore } from '../../src/jobs/lot-store.js';
import { failuresOf } from '../../src/jobs/lot-moves.js';
import { SyncJobStore } from '../../src/jobs/sync-job-store.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { wrongFailures } from '../support/wrong-failures.js';
import { insertJob, insertLot } from './fixtures.js';

const first = '2026-01-01T00:00:00.123456+00:00';
const last = '2026-01-01T00:10:00+00:00';
const job = {
  status: 'completed' as const,
  totalLots: 10,
  processedLots: 4,
  failedLots: 6,
  cancelledAt: null,
  failures: {
    REFUSED: { lots: 1, first, last: first },
    NO_IMAGES: { lots: 4, first, last },
    INCOMPLETE: { lots: 1, first, last },
  },
};

const MODEL = { openai: { visionModel: 'o4-mini' } };

describe('failuresByCode', () => {
  it('failuresByCode gives the most common code first, and equal ones by name', () => {
    expect(failuresByCode(job)).toEqual([
      { code: 'NO_IMAGES', lots: 4, first: new Date('2026-01-01T00:00:00.123Z'), last: new Date(last) },
      { code: 'INCOMPLETE', lots: 1, first: new Date('2026-01-01T00:00:00.123Z'), last: new Date(last) },
      {
        code: 'REFUSED',
        lots: 1,
        first: new Date('2026-01-01T00:00:00.123Z'),
        last: new Date('2026-01-01T00:00:00.123Z'),
      },
    ]);
    expect(failuresByCode({ ...job, failures: {} })).toEqual([]);
  });

  it('failuresByCode counts the lots of a cancelled job that have no result', () => {
    const cancelledAt = new Date('2026-01-01T00:20:00Z');
    const cancelled = { ...job, status: 'cancelled' as const, totalLots: 13, cancelledAt };
    expect(failuresByCode(cancelled)[1]).toEqual({ code: 'CANCELLED', lots: 3, first: cancelledAt, last: cancelledAt });
    expect(failuresByCode({ ...cancelled, totalLots: 10 })).toHaveLength(3);
  });
});

/** Real: PostgreSQL. Faked: nothing. */
describe('the failures of a job', () => {
  let db: TestDatabase;
  const lots = new LotStore();
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db.drop());

  async function failuresIn(jobId: string): Promise<Record<string, { lots: number; first: string; last: string }>> {
    const [row] = await db.database.query<{ failures: Record<string, { lots: number; first: string; last: string }> }>(
      'select failures from batch_jobs where id = $1',
      [jobId],
    );
    return row?.failures ?? {};
  }

  it('the failures of a job are counted once each when many processes fail its lots at the same time', async () => {
    const count = 24;
    const { id } = await insertJob(db.database, { totalLots: count + 1, awaitingVision: count + 1 });
    for (let position = 0; position <= count; position++)
      await insertLot(db.database, id, position, { status: 'processing' });
    const jobs = new JobStore(db.database, MODEL);
    // Two processes at a lot, as after a lease that was lost: the second finds it ended and counts nothing.
    const failing = Array.from({ length: 2 * count }, (_, n) =>
      db.database.transaction(async (tx) => {
        const position = n % count;
        const error = { code: position % 3 === 0 ? 'REFUSED' : 'INCOMPLETE', message: 'm' };
        if ((await lots.fail(tx, id, [{ position, error, missingImages: [] }])) === 0) return;
        await jobs.advance(tx, id, { awaitingVision: -1, failed: failuresOf([{ error }]) });
      }),
    );
    await Promise.all(failing);
    const failures = await failuresIn(id);
    expect(failures).toMatchObject({ REFUSED: { lots: 8 }, INCOMPLETE: { lots: 16 } });
    expect(await wrongFailures(db.database)).toEqual([]);
    for (const each of Object.values(failures))
      expect(Date.parse(each.first)).toBeLessThanOrEqual(Date.parse(each.last));
  });

  it('the failures of a job stay as they are when the transaction that counts them is undone', async () => {
    const { id } = await insertJob(db.database, { totalLots: 2, awaitingVision: 2 });
    await insertLot(db.database, id, 0, { status: 'processing' });
    const error = { code: 'REFUSED', message: 'm' };
    const undone = db.database.transaction(async (tx) => {
      await lots.fail(tx, id, [{ position: 0, error, missingImages: [] }]);
      await new JobStore(db.database, MODEL).advance(tx, id, { failed: failuresOf([{ error }]) });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await failuresIn(id)).toEqual({});
  });

  it('the failures of a synchronous job have the code of its lot', async () => {
    const { id } = await insertJob(db.database, { mode: 'sync', totalLots: 1, awaitingVision: 1 });
    await insertLot(db.database, id, 0, { status: 'processing' });
    const store = new SyncJobStore(db.database, lots, MODEL);
    const error = { code: 'INTERRUPTED', message: 'm' };
    expect(await db.database.transaction((tx) => store.fail(tx, id, error, []))).toBe(true);
    expect(await failuresIn(id)).toMatchObject({ INTERRUPTED: { lots: 1 } });
    expect(await wrongFailures(db.database)).toEqual([]);
  });
});
