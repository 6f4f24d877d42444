import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OrphanedLots } from '../../src/batch/upkeep/orphaned-lots.js';
import { firstIdAt } from '../../src/common/ids.js';
import { OrphanLotStore } from '../../src/jobs/orphan-lot-store.js';
import { insertCompletedLots, insertJob, insertLot } from '../jobs/fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { FakeClock } from '../support/fake-clock.js';

Logger.overrideLogger(false);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NEVER = new AbortController().signal;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

// Where lots lie on another server than jobs, a request may leave its lots there alone.
it('lots without a job are removed by the second look that finds none, and no others', async () => {
  const clock = new FakeClock();
  const at = (ago: number) => firstIdAt(clock.now() - ago);
  const orphan = at(3 * HOUR);
  const young = at(30 * MINUTE);
  const { id: job } = await insertJob(db.database, { id: at(4 * HOUR) });
  await insertLot(db.database, job, 0);
  await insertLot(db.database, young, 0);
  // More than one statement removes.
  await insertCompletedLots(db.database, orphan, 4500, ['en']);
  const left = async () => {
    const rows = await db.database.query<{ id: string; lots: number }>(
      'select job_id as id, count(*)::int as lots from batch_lots group by 1 order by 1',
    );
    return rows.map(({ id, lots }) => [id, lots]);
  };
  const all = [
    [job, 1],
    [orphan, 4500],
    [young, 1],
  ];
  const orphans = new OrphanedLots(clock, new OrphanLotStore(db.database));
  await orphans.sweep(NEVER);
  expect(await left()).toEqual(all);
  await orphans.sweep(NEVER);
  expect(await left()).toEqual([all[0], all[2]]);
  expect(await db.database.query('select 1 from batch_results')).toEqual([]);

  // Its job came late after all: it is no orphan at the next look.
  clock.advance(HOUR);
  await orphans.sweep(NEVER);
  await insertJob(db.database, { id: young });
  clock.advance(HOUR);
  await orphans.sweep(NEVER);
  expect(await left()).toEqual([all[0], all[2]]);
});
