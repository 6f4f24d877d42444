import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { v7 } from 'uuid';
import { DAY_MS } from '../../src/common/clock.js';
import { describeSchema } from '../../src/database/schema-dump.js';
import { PartitionMergeStore } from '../../src/jobs/partition-merge-store.js';
import { LOT_TABLES, PartitionStore } from '../../src/jobs/partition-store.js';
import { Partitions } from '../../src/jobs/partitions.js';
import { WEEK_MS } from '../../src/jobs/weeks.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { FakeClock } from '../support/fake-clock.js';
import { insertCompletedLots, insertJob } from './fixtures.js';

const NOW = Date.parse('2026-11-26T12:00:00Z');

// Real: PostgreSQL and all statements. Faked: the time of day.
describe('the tables of lots in partitions', () => {
  let db: TestDatabase;
  let clock: FakeClock;
  let store: PartitionStore;
  let partitions: Partitions;

  beforeEach(async () => {
    db = await createTestDatabase();
    clock = new FakeClock({ at: NOW });
    store = new PartitionStore(db.database);
    partitions = new Partitions(clock, store, new PartitionMergeStore(db.database));
  });
  afterEach(() => db.drop());

  async function job(at: number, lots = 3, status: 'completed' | 'processing' = 'completed'): Promise<string> {
    const time = new Date(at);
    const { id } = await insertJob(db.database, {
      id: v7({ msecs: at }),
      status,
      totalLots: lots,
      createdAt: time,
      ...(status === 'completed' && { completedAt: time, awaitingVision: 0 }),
    });
    await insertCompletedLots(db.database, id, lots, ['en', 'de']);
    await db.database.execute(
      `insert into batch_lot_inputs (job_id, position, images) select $1, n, '[]' from generate_series(0, $2 - 1) n`,
      [id, lots],
    );
    return id;
  }

  /** Every row, and the partition that it is in. */
  async function rows(): Promise<string[]> {
    const found: string[] = [];
    for (const table of LOT_TABLES) {
      const list = await db.database.query<{ row: string }>(`select t::text as row from ${table} t`);
      found.push(...list.map(({ row }) => `${table} ${row}`));
    }
    return found.sort();
  }

  it('enabled and disabled again, they are as the migrations made them, with the same rows', async () => {
    const schema = await describeSchema(db.database);
    await job(NOW - 40 * DAY_MS);
    await job(NOW);
    const before = await rows();
    const t0 = performance.now();
    console.log(await partitions.enable(), performance.now() - t0);
    expect(await rows()).toEqual(before);
    const t1 = performance.now();
    console.log(await partitions.disable(), performance.now() - t1);
    expect(await rows()).toEqual(before);
    expect(await describeSchema(db.database)).toBe(schema);
  });

  it('with weeks', async () => {
    const schema = await describeSchema(db.database);
    await job(NOW);
    await partitions.enable();
    for (let week = 0; week < 60; week++) {
      if (week > 0) clock.advance(WEEK_MS);
      await partitions.keep();
      await job(clock.now());
    }
    const before = await rows();
    const t1 = performance.now();
    console.log(await partitions.disable(), performance.now() - t1);
    expect(await rows()).toEqual(before);
    expect(await describeSchema(db.database)).toBe(schema);
  });
});
