import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LotResultReader, type LotSelection } from '../../src/jobs/lot-result-reader.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertCompletedLots, insertJob, insertLot, insertResult, type JobFixture } from './fixtures.js';

/** Real: PostgreSQL. Faked: nothing. */
describe('LotResultReader', () => {
  let db: TestDatabase;
  let reader: LotResultReader;

  beforeAll(async () => {
    db = await createTestDatabase();
    reader = new LotResultReader(db.database);
  });
  afterAll(() => db.drop());

  async function read(job: JobFixture, selection?: LotSelection): Promise<Record<string, unknown>[]> {
    const lots: Record<string, unknown>[] = [];
    for await (const text of reader.readLots(job, selection)) lots.push(JSON.parse(text) as Record<string, unknown>);
    return lots;
  }

  const idsOf = (lots: readonly Record<string, unknown>[]) => lots.map((lot) => lot['lot_id']);

  it('LotResultReader reads every lot once and in order, over many pages', async () => {
    const job = await insertJob(db.database, { status: 'completed', totalLots: 1203 });
    await insertCompletedLots(db.database, job.id, 1203, job.languages);
    const lots = await read(job);
    expect(idsOf(lots)).toEqual(Array.from({ length: 1203 }, (_, i) => `lot-${i}`));
    expect(lots[777]).toMatchObject({
      descriptions: [
        { language: 'en', damages: '<p>en 777</p>' },
        { language: 'ru', damages: '<p>ru 777</p>' },
      ],
    });
  });

  it('LotResultReader ends a page by its bytes too, and gives a lot that is larger than a page one of its own', async () => {
    const job = await insertJob(db.database, { status: 'completed', totalLots: 7 });
    await insertCompletedLots(db.database, job.id, 7, job.languages, 200_000);
    await db.database.execute(`update batch_lots set rendered_bytes = 5000000 where job_id = $1 and position = 3`, [
      job.id,
    ]);
    const sizes: number[] = [];
    for await (const page of reader.readPages(job)) sizes.push(page.length);
    expect(sizes).toEqual([2, 1, 1, 2, 1]);
  });

  it('LotResultReader reads a range, one lot, or what one address is to get', async () => {
    const job = await insertJob(db.database, { status: 'completed', webhookUrl: 'https://a.test/', languages: ['en'] });
    for (const position of [0, 1, 2, 3]) {
      await insertLot(db.database, job.id, position, position === 2 ? { webhook: 'https://b.test/' } : {});
      await insertResult(db.database, job.id, position, 'en', `${position}`);
    }
    expect(idsOf(await read(job, { from: 1, to: 2 }))).toEqual(['lot-1', 'lot-2']);
    expect(idsOf(await read(job, { lotIds: ['lot-3'] }))).toEqual(['lot-3']);
    expect(await read(job, { lotIds: ['lot-4'] })).toEqual([]);
    expect(idsOf(await read(job, { receiver: 'https://a.test/' }))).toEqual(['lot-0', 'lot-1', 'lot-3']);
    expect(idsOf(await read(job, { receiver: 'https://b.test/', from: 0, to: 3 }))).toEqual(['lot-2']);
  });

  it('LotResultReader finds one finished lot far behind many unfinished ones', async () => {
    const job = await insertJob(db.database, { totalLots: 1001, languages: ['en'] });
    await db.database.execute(
      `insert into batch_lots (job_id, position, lot_id) select $1, i, 'lot-' || i from generate_series(0, 999) i`,
      [job.id],
    );
    await insertLot(db.database, job.id, 1000, {});
    await insertResult(db.database, job.id, 1000, 'en', 'text');
    expect(idsOf(await read(job, { onlyFinished: true }))).toEqual(['lot-1000']);
    expect(await read(job)).toHaveLength(1001);
  });

  it('LotResultReader reads the revision that the job shows, and nothing of a later one that is only being written', async () => {
    const job = await insertJob(db.database, { status: 'completed', languages: ['en'] });
    await insertLot(db.database, job.id, 0);
    await insertResult(db.database, job.id, 0, 'en', 'second', { revision: 1 });
    await insertResult(db.database, job.id, 0, 'en', 'first');
    await insertResult(db.database, job.id, 0, 'en', 'third', { revision: 2 });
    expect(await read(job)).toMatchObject([{ descriptions: [{ damages: 'first' }] }]);
    expect(await read({ ...job, revision: 1 })).toMatchObject([{ descriptions: [{ damages: 'second' }] }]);
    expect(await read({ ...job, revision: 2 })).toMatchObject([{ descriptions: [{ damages: 'third' }] }]);
  });

  it('LotResultReader takes findings and usage from the English source that nobody asked for', async () => {
    const job = await insertJob(db.database, {
      status: 'completed',
      languages: ['ru'],
      options: { include: ['assessment', 'usage'] },
    });
    await insertLot(db.database, job.id, 0);
    await insertResult(db.database, job.id, 0, 'en', 'e', { assessment: { findings: [] }, usage: { stage: 'vision' } });
    await insertResult(db.database, job.id, 0, 'ru', 'r', { usage: { stage: 'translation' } });
    expect(await read(job)).toMatchObject([
      {
        descriptions: [{ language: 'ru', damages: 'r' }],
        assessment: { findings: [] },
        usage: [{ stage: 'vision' }, { stage: 'translation' }],
      },
    ]);
  });

  it('LotResultReader says whether a lot needs a review, also where neither English nor anything else was asked for', async () => {
    const needsReview = { value: true, reasons: ['side_contradicts_view'] };
    for (const languages of [['ru'], ['en', 'ru']]) {
      const job = await insertJob(db.database, { status: 'completed', languages });
      await insertLot(db.database, job.id, 0);
      await insertResult(db.database, job.id, 0, 'en', 'e', { needsReview });
      await insertResult(db.database, job.id, 0, 'ru', 'r');
      expect(await read(job)).toMatchObject([{ needs_review: needsReview }]);
    }
  });

  it('LotResultReader shows failed lots with their reason and the unfinished ones of a cancelled job as cancelled', async () => {
    const job = await insertJob(db.database, { status: 'cancelled', languages: ['en'] });
    await insertLot(db.database, job.id, 0, {
      status: 'failed',
      error: { code: 'NO_IMAGES', message: 'none' },
      missingImages: ['https://cdn.test/1.jpg'],
      missingReasons: ['dns'],
    });
    await insertLot(db.database, job.id, 1, { status: 'translating' });
    expect(await read(job)).toMatchObject([
      {
        status: 'failed',
        error: { code: 'NO_IMAGES', message: 'none' },
        missing_images: ['https://cdn.test/1.jpg'],
        photo_problems: [{ url: 'https://cdn.test/1.jpg', reason: 'dns' }],
      },
      { status: 'cancelled', processed_at: null, descriptions: [] },
    ]);
  });

  it('LotResultReader fails when a completed lot has lost its results', async () => {
    const job = await insertJob(db.database, { status: 'completed', languages: ['en'] });
    await insertLot(db.database, job.id, 0);
    await expect(read(job)).rejects.toThrow('has no description in one of its languages');
  });

  it('LotResultReader stops between pages when it is told to', async () => {
    const job = await insertJob(db.database, { status: 'completed', totalLots: 600, languages: ['en'] });
    await insertCompletedLots(db.database, job.id, 600, ['en']);
    const abort = new AbortController();
    const pages = reader.readPages(job, { signal: abort.signal });
    expect((await pages.next()).value).toHaveLength(128);
    abort.abort(new Error('hung up'));
    await expect(pages.next()).rejects.toThrow('hung up');
    expect(db.pool.idleCount).toBe(db.pool.totalCount);
  });
});
