import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LotRecord } from '../../src/jobs/lot-result.js';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { PartReader } from '../../src/jobs/part-reader.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertCompletedLots, insertJob, insertLot, insertResult, type JobFixture } from './fixtures.js';

let db: TestDatabase;
const jobs: JobFixture[] = [];
beforeAll(async () => {
  db = await createTestDatabase();
  // Two that are read together, and two that are read by themselves.
  for (const totalLots of [3, 1, 100, 70]) {
    const job = await insertJob(db.database, { status: 'completed', totalLots, languages: ['en', 'de'] });
    await insertCompletedLots(db.database, job.id, totalLots - 1, ['en', 'de']);
    await insertLot(db.database, job.id, totalLots - 1, { status: 'failed', error: { code: 'REFUSED', message: 'm' } });
    jobs.push(job);
  }
  for (const position of [5, 40])
    await insertResult(db.database, jobs[2]?.id ?? '', position, 'en', '<p>new</p>', { revision: 1 });
});
afterAll(() => db.drop());

it('parts of many jobs, in any order, have the lots that each job’s results have', async () => {
  const asked: [job: number, from: number, to: number, revision: number][] = [
    [2, 30, 49, 0],
    [0, 0, 1, 0],
    [2, 10, 29, 0],
    [3, 69, 69, 0],
    // The same lots once more, and those of another revision.
    [2, 0, 9, 0],
    [2, 30, 49, 0],
    [2, 30, 49, 1],
    [1, 0, 0, 0],
    [0, 2, 2, 0],
    [2, 98, 99, 0],
  ];
  const read = await new PartReader(db.database).readMany(
    asked.map(([job, from, to, revision]) => {
      const { id: jobId, totalLots } = jobs[job] as JobFixture;
      return { jobId, from, to, revision, totalLots, includes: false };
    }),
  );
  const expected: LotRecord[][] = [];
  for (const [job, from, to, revision] of asked) {
    const lots: LotRecord[] = [];
    const pages = new LotResultReader(db.database).readPages({ ...(jobs[job] as JobFixture), revision }, { from, to });
    for await (const page of pages) lots.push(...page);
    expected.push(lots);
  }
  expect(read.map(plain)).toEqual(expected.map(plain));
  expect(read.map((lots) => lots.length)).toEqual(asked.map(([, from, to]) => to - from + 1));
  const texts = read.map((lots) => JSON.stringify(lots).includes('<p>new</p>'));
  expect(texts).toEqual(asked.map(([job, , , revision]) => job === 2 && revision === 1));
});

/** Without the order of languages, which rendering decides, and without what was not asked for. */
function plain(lots: readonly LotRecord[]): unknown {
  return lots.map(({ descriptions, ...lot }) => ({
    ...lot,
    descriptions: Object.fromEntries(descriptions.map(({ language, html, fallback }) => [language, [html, fallback]])),
  }));
}
