import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { v7 } from 'uuid';
import { JobShardStore } from '../../src/batch/shards/job-shard-store.js';
import { PastWeeks } from '../../src/batch/upkeep/past-weeks.js';
import { Retention } from '../../src/batch/upkeep/retention.js';
import { Clock } from '../../src/common/clock.js';
import { loadConfig } from '../../src/config/load-config.js';
import { PartitionStore } from '../../src/jobs/partition-store.js';
import { RetentionStore } from '../../src/jobs/retention-store.js';
import { aJob } from '../support/a-job.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL, its partitions, its plans. Faked: nothing.

Logger.overrideLogger(false);

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const NOW = Date.now();
const TABLES = {
  batch_lots: 'job_id, position',
  batch_lot_inputs: 'job_id, position',
  batch_results: 'job_id, position, language, revision',
};
/** Weeks ago: the retention of 28 days lies between the two of the middle week. */
const WEEKS = [6, 4, 2];

describe('removal from a long history', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await createTestDatabase();
  });
  afterEach(() => db.drop());

  const worker = () => {
    const config = loadConfig({ ...SETTINGS, DATABASE_URL: db.url });
    return new Retention(config, new Clock(), db.database, new RetentionStore(), new JobShardStore(db.database));
  };
  const SETTINGS = { SHARED_KEY: 'x'.repeat(64), RETENTION_DAYS: '28' };

  /** As the cron does before the rest. */
  const dropWeeks = () => {
    const config = loadConfig({ ...SETTINGS, DATABASE_URL: db.url });
    const store = new PartitionStore(db.database);
    return new PastWeeks(config, new Clock(), db.database, store, new RetentionStore()).drop(
      new AbortController().signal,
    );
  };

  async function removeAll(retention = worker()): Promise<number> {
    let steps = 0;
    while (await retention.step()) steps += 1;
    return steps;
  }

  /** A finished job of `lots` lots in two languages that ended so long ago. */
  async function ended(msAgo: number, lots = 1): Promise<string> {
    const at = NOW - msAgo;
    const time = new Date(at);
    const id = await aJob(db.database, {
      id: v7({ msecs: at }),
      status: 'completed',
      stage: 'done',
      languages: ['en', 'de'],
      totalLots: lots,
      processedLots: lots,
      createdAt: time,
      updatedAt: time,
      completedAt: time,
    });
    await db.database.execute(
      `insert into batch_lots (job_id, position, lot_id, status) select $1, n, 'lot-' || n, 'completed' from generate_series(1, $2) n`,
      [id, lots],
    );
    await db.database.execute(
      `insert into batch_lot_inputs (job_id, position, images) select $1, n, '[]' from generate_series(1, $2) n`,
      [id, lots],
    );
    await db.database.execute(
      `insert into batch_results (job_id, position, language, html, strings, created_at)
       select $1, n, language, '', '[]', now() from generate_series(1, $2) n, unnest('{en,de}'::text[]) language`,
      [id, lots],
    );
    return id;
  }

  /** Makes lots, inputs and results tables of weekly partitions, as the ids' order in time allows. */
  async function partition(): Promise<void> {
    for (const [table, key] of Object.entries(TABLES)) {
      await db.database.execute(`alter table ${table} rename to ${table}_old`);
      await db.database.execute(`alter index ${table}_pkey rename to ${table}_old_pkey`);
      await db.database.execute(
        `create table ${table} (like ${table}_old including defaults, primary key (${key})) partition by range (job_id)`,
      );
      await db.database.execute(`drop table ${table}_old`);
      const bound = (weeksAgo: number) =>
        `${v7({ msecs: NOW - weeksAgo * WEEK_MS }).slice(0, 13)}-0000-0000-000000000000`;
      for (let weeksAgo = 8; weeksAgo > 0; weeksAgo--) {
        await db.database.execute(
          `create table ${table}_${weeksAgo} partition of ${table} for values from ('${bound(weeksAgo)}') to ('${bound(weeksAgo - 1)}')`,
        );
      }
    }
  }

  /** All that there is of these jobs, with where each row lies. */
  async function rowsOf(ids: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const table of ['batch_jobs', ...Object.keys(TABLES)]) {
      const rows = await db.database.query<{ row: string }>(
        `select t.tableoid::regclass || ' ' || t.ctid || ' ' || t::text as row from ${table} t
         where ${table === 'batch_jobs' ? 'id' : 'job_id'} = any($1::uuid[]) order by 1`,
        [ids],
      );
      found.push(...rows.map(({ row }) => row));
    }
    return found;
  }

  it.each(['whole tables', 'weekly partitions'])('no row of a younger job is touched in %s', async (kind) => {
    if (kind === 'weekly partitions') await partition();
    const old: string[] = [];
    const young: string[] = [];
    // Old and young ones by turns, of the same sizes, so that their rows lie in the same places of their partitions.
    for (let round = 1; round <= 5; round++) {
      for (const weeks of WEEKS) {
        for (const hours of [round, -round]) {
          const ago = weeks * WEEK_MS + hours * 3_600_000;
          (ago > 4 * WEEK_MS ? old : young).push(await ended(ago, 3));
        }
      }
    }
    expect([old.length, young.length]).toEqual([15, 15]);
    const before = await rowsOf(young);
    await dropWeeks();
    await removeAll();
    expect(await rowsOf(old)).toEqual([]);
    expect(await rowsOf(young)).toEqual(before);
  });

  it('old jobs are left for the drop of their week when that is due, which takes all of their rows at once', async () => {
    await partition();
    const ids = [await ended(4 * WEEK_MS + HOUR_MS), await ended(5 * WEEK_MS - HOUR_MS)];
    const young = await ended(4 * WEEK_MS - HOUR_MS);
    const kept = await rowsOf([...ids, young]);
    await removeAll();
    expect(await rowsOf([...ids, young])).toEqual(kept);
    await dropWeeks();
    // Hidden, and without lots.
    const hidden = await db.database.query('select key_id from batch_jobs where id = any($1::uuid[])', [ids]);
    expect(hidden).toEqual([{ key_id: '' }, { key_id: '' }]);
    expect(await rowsOf(ids)).toHaveLength(2);
    await removeAll();
    expect(await rowsOf(ids)).toEqual([]);
    expect(await rowsOf([young])).toHaveLength(5);
  });

  it('a week stays as long as one of its jobs runs, or has a webhook to send or a file at OpenAI', async () => {
    await partition();
    const id = await ended(4 * WEEK_MS + HOUR_MS);
    const other = await ended(4 * WEEK_MS + 2 * HOUR_MS);
    const stays = async () => {
      await dropWeeks();
      expect(await rowsOf([id])).toHaveLength(5);
      await db.database.execute('delete from openai_batches');
      await db.database.execute('delete from webhook_deliveries');
    };
    await db.database.execute(`update batch_jobs set status = 'processing', completed_at = null where id = $1`, [id]);
    await stays();
    await db.database.execute(`update batch_jobs set status = 'completed', completed_at = $2 where id = $1`, [
      id,
      new Date(NOW - 4 * WEEK_MS),
    ]);
    await db.database.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, next_attempt_at, created_at)
       values ($1, $1, 'acme', 'https://a.test', 'https://a.test/', 'batch_job_completed', 'pending', now(), now())`,
      [id],
    );
    await stays();
    await db.database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status, output_file_id,
         next_check_at, created_at)
       values ($1, 'vision', 0, 1, 0, 'acme', 'm', 'done', 'file-1', now(), now())`,
      [id],
    );
    await stays();
    await dropWeeks();
    expect(await rowsOf([id, other])).toHaveLength(2);
  });

  it('the removal of old jobs skips jobs that another process is removing, and goes on with the rest', async () => {
    const ids: string[] = [];
    for (let job = 0; job < 250; job++) ids.push(await ended(5 * WEEK_MS - job));
    await db.database.transaction(async (tx) => {
      // As the other one's step begins: the oldest hundred are its own.
      await tx.query('select 1 from batch_jobs where id = any($1::uuid[]) for update', [ids.slice(0, 100)]);
      await removeAll();
      expect(await rowsOf(ids.slice(100))).toEqual([]);
      expect(await rowsOf(ids.slice(0, 100))).toHaveLength(500);
    });
    await removeAll();
    expect(await rowsOf(ids)).toEqual([]);
  });

  it('the removal of old jobs goes on with a large job during whose removal a process died; its rest is hidden', async () => {
    const id = await ended(5 * WEEK_MS, 2500);
    expect(await worker().step()).toBe(true);
    expect(await db.database.query('select key_id, status from batch_jobs where id = $1', [id])).toEqual([
      { key_id: '', status: 'completed' },
    ]);
    const [left] = await db.database.query<{ n: number }>(
      'select count(*)::int as n from batch_results where job_id = $1',
      [id],
    );
    expect(left?.n).toBe(3000);
    await removeAll();
    expect(await rowsOf([id])).toEqual([]);
  });

  it('the removal of old jobs passes over jobs that have to stay, however many lie before one that may go', async () => {
    const kept: string[] = [];
    for (let job = 0; job < 150; job++) kept.push(await ended(6 * WEEK_MS - job));
    await db.database.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, next_attempt_at, created_at)
       select gen_random_uuid(), id, 'acme', 'https://a.test', 'https://a.test/', 'batch_job_completed', 'pending', now(), now()
       from batch_jobs`,
    );
    const free = await ended(5 * WEEK_MS);
    const before = await rowsOf(kept);
    const retention = worker();
    expect(await removeAll(retention)).toBe(1);
    expect(await rowsOf([free])).toEqual([]);
    expect(await rowsOf(kept)).toEqual(before);
    // The next round begins at the oldest again.
    await db.database.execute(`update webhook_deliveries set status = 'failed' where job_id = $1`, [kept[0]]);
    expect(await removeAll(retention)).toBe(1);
    expect(await rowsOf([kept[0] ?? ''])).toEqual([]);
  });
});
