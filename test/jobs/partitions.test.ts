import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { v7 } from 'uuid';
import { DAY_MS } from '../../src/common/clock.js';
import { migrateDown, migrateUp } from '../../src/database/migrate.js';
import { describeSchema } from '../../src/database/schema-dump.js';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { PartitionFigures } from '../../src/jobs/partition-figures.js';
import { PartitionMergeStore } from '../../src/jobs/partition-merge-store.js';
import { LOT_TABLES } from '../../src/jobs/lot.entities.js';
import { PartitionStore, StrangeIdsError } from '../../src/jobs/partition-store.js';
import { Partitions } from '../../src/jobs/partitions.js';
import { dayName, firstWeekAfter, WEEK_MS } from '../../src/jobs/weeks.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { testConfig } from '../support/database-config.js';
import { FakeClock } from '../support/fake-clock.js';
import { insertCompletedLots, insertJob } from './fixtures.js';

Logger.overrideLogger(false);

const NOW = Date.parse('2026-11-26T12:00:00Z');
const NEVER = '00000000-0000-0000-0000-000000000000';

// Real: PostgreSQL and all statements. Faked: the time of day.
describe('the tables of lots in partitions', () => {
  let db: TestDatabase;
  let clock: FakeClock;
  let store: PartitionStore;
  let merge: PartitionMergeStore;
  let partitions: Partitions;

  beforeEach(async () => {
    db = await createTestDatabase();
    clock = new FakeClock({ at: NOW });
    store = new PartitionStore(db.database);
    merge = new PartitionMergeStore(db.database);
    partitions = new Partitions(clock, store, merge);
  });
  afterEach(() => db.drop());

  async function job(at: number, status: 'completed' | 'processing' = 'completed'): Promise<string> {
    const time = new Date(at);
    const { id } = await insertJob(db.database, {
      id: v7({ msecs: at }),
      status,
      totalLots: 3,
      createdAt: time,
      ...(status === 'completed' && { completedAt: time, awaitingVision: 0 }),
    });
    await insertCompletedLots(db.database, id, 3, ['en', 'de']);
    await db.database.execute(
      `insert into batch_lot_inputs (job_id, position, images) select $1, n, '[]' from generate_series(0, 2) n`,
      [id],
    );
    return id;
  }

  async function rows(): Promise<string[]> {
    const found: string[] = [];
    for (const table of LOT_TABLES) {
      const list = await db.database.query<{ row: string }>(`select t::text as row from ${table} t`);
      found.push(...list.map(({ row }) => `${table} ${row}`));
    }
    return found.sort();
  }

  /** The partitions that have rows of a job. */
  async function placesOf(id: string): Promise<string[]> {
    const places: string[] = [];
    for (const table of LOT_TABLES) {
      const list = await db.database.query<{ place: string }>(
        `select distinct tableoid::regclass::text as place from ${table} where job_id = $1`,
        [id],
      );
      places.push(...list.map(({ place }) => place));
    }
    return places;
  }

  /** What the metrics say of the partitions. */
  async function shown(): Promise<Record<string, number>> {
    const figures = new PartitionFigures({ jobs: { retentionDays: 28 } }, clock, partitions);
    figures.onModuleInit();
    const lines = (await metricsRegistry.metrics()).matchAll(/^partitions_(\w+) (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]));
  }

  const state = async () => (await partitions.overview()).state;

  it('two commands at once partition each table once', async () => {
    const early = await store.layouts();
    await partitions.enable();
    // The other one looked before.
    vi.spyOn(store, 'layouts').mockResolvedValueOnce(early);
    expect((await partitions.enable()).map(({ heldMs }) => heldMs)).toEqual([null, null, null]);
    expect(await db.database.query(`select conname from pg_constraint where conname like '%span'`)).toEqual([]);
    expect((await partitions.overview()).state).toBe('on');
  });

  it('a check of a span that is left on a partitioned table is taken back, before it refuses later jobs', async () => {
    await partitions.enable();
    await db.database.execute(
      `alter table batch_lots add constraint batch_lots_span check (job_id < '01a00000-0000-7000-8000-000000000000') not valid`,
    );
    await partitions.keep();
    expect(await placesOf(await job(NOW))).toContain(`batch_lots_until_${dayName(firstWeekAfter(NOW))}`);
  });

  it('enabled and disabled again, they are as the migrations made them, with the same rows and rights', async () => {
    const schema = await describeSchema(db.database);
    await db.database.execute('grant select on batch_lots to public');
    await job(NOW - 40 * DAY_MS);
    const recent = await job(NOW);
    const before = await rows();
    expect(await partitions.enable()).toMatchObject(
      LOT_TABLES.map((table) => ({ table, heldMs: expect.any(Number) as number })),
    );
    expect(await rows()).toEqual(before);
    expect(await placesOf(recent)).toEqual(LOT_TABLES.map((table) => `${table}_until_20261214`));
    expect((await partitions.enable()).map(({ heldMs }) => heldMs)).toEqual([null, null, null]);
    const rights = () =>
      db.database.query(
        `select 1 from information_schema.role_table_grants where table_name = 'batch_lots' and grantee = 'PUBLIC'`,
      );
    expect(await rights()).toHaveLength(1);
    await partitions.disable();
    expect(await rows()).toEqual(before);
    expect(await describeSchema(db.database)).toBe(schema);
    expect(await rights()).toHaveLength(1);
    expect(await state()).toBe('off');
  });

  it('rows of past weeks are moved back in steps, those of a running job after its end, and nothing is lost', async () => {
    const schema = await describeSchema(db.database);
    await job(NOW);
    await partitions.enable();
    clock.advance(4 * WEEK_MS);
    const running = await job(clock.now(), 'processing');
    const ended = await job(clock.now());
    clock.advance(WEEK_MS);
    await partitions.keep();
    await job(clock.now());
    const before = await rows();

    // Results are inserted where they are not there yet, so their table waits for the job.
    expect(await merge.join('batch_results', clock.now())).toMatchObject({ result: 1 });
    expect(await merge.join('batch_lots', clock.now())).toMatchObject({ result: 0 });
    expect(await state()).toBe('unfinished');
    expect(await rows()).toEqual(before);
    const week = 'batch_lots_from_20261221';
    expect(await merge.moveSome('batch_lots', week, NEVER)).toMatchObject({ rows: 3 });
    const places = await placesOf(ended);
    expect(places).toContain('batch_lots');
    expect(await placesOf(running)).toContain(week);
    expect(await merge.dropEmpty(week)).toBe(false);

    await db.database.execute(`update batch_jobs set status = 'completed', completed_at = now() where id = $1`, [
      running,
    ]);
    await partitions.disable();
    expect(await rows()).toEqual(before);
    expect(await describeSchema(db.database)).toBe(schema);
  });

  it('a step waits for what changes rows of an ended job, such as retention, and moves what is left', async () => {
    await job(NOW);
    await partitions.enable();
    clock.advance(4 * WEEK_MS);
    const old = await job(clock.now());
    clock.advance(WEEK_MS);
    await partitions.keep();
    await merge.join('batch_lots', clock.now());
    const retention = await db.database.begin();
    await retention.tx.query('select 1 from batch_jobs where id = $1 for update', [old]);
    await retention.tx.execute('delete from batch_lots where job_id = $1 and position = 0', [old]);
    const step = merge.moveSome('batch_lots', 'batch_lots_from_20261221', NEVER);
    await retention.commit();
    expect(await step).toMatchObject({ rows: 2 });
    expect(await db.database.query('select position from only batch_lots where job_id = $1 order by 1', [old])).toEqual(
      [{ position: 1 }, { position: 2 }],
    );
  });

  it('a command that was stopped after its first step goes on, and a preparation that nobody goes on with is taken back', async () => {
    await job(NOW);
    const span = { from: null, to: firstWeekAfter(NOW) };
    await store.confine('batch_lots', span);
    expect(await state()).toBe('unfinished');
    await partitions.keep();
    expect(await store.check(db.database, 'batch_lots')).toEqual({ span, valid: true });
    clock.advance(span.to - NOW - 2 * DAY_MS);
    await partitions.keep();
    expect(await store.check(db.database, 'batch_lots')).toBeNull();
    await store.confine('batch_lots', { from: null, to: firstWeekAfter(clock.now()) });
    await partitions.enable();
    expect(await state()).toBe('on');
  });

  it('a lock that is not to be had keeps nobody waiting: the change comes when the transaction has ended', async () => {
    const upload = await db.database.begin();
    const id = v7({ msecs: NOW });
    await upload.tx.execute(`insert into batch_lots (job_id, position, lot_id) values ($1, 0, 'a')`, [id]);
    const enabled = partitions.enable();
    for (let position = 1; position <= 20; position++)
      await db.database.execute(`insert into batch_lots (job_id, position, lot_id) values ($1, $2, 'a')`, [
        id,
        position,
      ]);
    expect(await state()).toBe('off');
    await upload.commit();
    await enabled;
    expect(await state()).toBe('on');
    const [row] = await db.database.query<{ n: number }>('select count(*)::int as n from batch_lots');
    expect(row?.n).toBe(21);
  });

  it('a missing week refuses no job, and what came meanwhile becomes a partition as it is', async () => {
    await partitions.enable();
    clock.advance(20 * WEEK_MS);
    const [late, later] = [await job(clock.now()), await job(clock.now() + WEEK_MS)];
    expect(await placesOf(late)).toContain('batch_results_default');
    expect((await partitions.overview()).tables[0]).toMatchObject({ weeksAhead: 0, outside: true });
    // The first partition ended three weeks after that Monday, and its jobs are kept for four more.
    const dueMs = 13 * WEEK_MS + 3.5 * DAY_MS;
    expect(await shown()).toEqual({ weeks_ahead: 0, default_tables: 3, oldest_due_seconds: dueMs / 1000 });
    const before = await rows();
    clock.advance(WEEK_MS);
    await partitions.keep();
    expect(await rows()).toEqual(before);
    // Right behind the last week that was made.
    expect(await placesOf(later)).toEqual(LOT_TABLES.map((table) => `${table}_from_20270125`));
    expect((await partitions.overview()).tables[0]).toMatchObject({ weeksAhead: 8, outside: false });
    expect(await shown()).toMatchObject({ weeks_ahead: 8, default_tables: 0 });
    await partitions.disable();
    expect(await rows()).toEqual(before);
    expect(await shown()).toEqual({});
  });

  it('a job with an id of another age stays in the default partition and hinders no week', async () => {
    await partitions.enable();
    const strange = await job(NOW + 900 * WEEK_MS);
    clock.advance(3 * WEEK_MS);
    await partitions.keep();
    expect(await placesOf(strange)).toContain('batch_lots_default');
    expect((await partitions.overview()).tables[0]).toMatchObject({ weeksAhead: 8, outside: true });
  });

  it('they stay plain where an id names a time that is weeks off, and where Citus distributes them', async () => {
    const schema = await describeSchema(db.database);
    await job(NOW + 10 * WEEK_MS);
    await expect(partitions.enable()).rejects.toThrow(StrangeIdsError);
    expect(await describeSchema(db.database)).toBe(schema);
    store.distributed = async () => ['batch_lots'];
    await expect(partitions.enable()).rejects.toMatchObject({ code: 'DISTRIBUTED' });
    await expect(partitions.disable()).rejects.toMatchObject({ code: 'DISTRIBUTED' });
  });
});

describe('migrations of tables that have partitions', () => {
  const config = testConfig();
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'generation-partitions-'));
    await cp(join(config.packageRoot, 'migrations'), join(folder, 'migrations'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'migrations', '9000000000000-later.js'), LATER);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const LATER = `export class Later9000000000000 {
    async up(queryRunner) {
      await queryRunner.query("alter table batch_lots add column later integer not null default 7, alter column attempt set default 1");
      await queryRunner.query("create index batch_lots_later_idx on batch_lots (job_id, later) where later > 7");
      await queryRunner.query("alter table batch_results add constraint batch_results_later_check check (revision < 1000)");
      await queryRunner.query("alter table batch_lot_inputs drop column webhook");
    }
    async down() {}
  }`;

  it('migrations from before and later ones run as on plain tables, and both end with the same schema', async () => {
    const schemas: string[] = [];
    for (const partitioned of [false, true]) {
      const db = await createTestDatabase({ empty: true });
      try {
        const names = await migrateUp(config, db.url);
        await migrateDown(config, db.url, names.length - names.indexOf('LotWebhookIndex1764400000000'));
        const store = new PartitionStore(db.database);
        const partitions = new Partitions(new FakeClock({ at: NOW }), store, new PartitionMergeStore(db.database));
        const id = v7({ msecs: NOW });
        await db.database.execute(`insert into batch_lots (job_id, position, lot_id) values ($1, 0, 'a')`, [id]);
        if (partitioned) await partitions.enable();
        await migrateUp({ ...config, packageRoot: folder }, db.url);
        expect(await db.database.query('select later from batch_lots')).toEqual([{ later: 7 }]);
        if (partitioned) {
          const [layout] = await store.layouts();
          expect(layout?.partitions.length).toBeGreaterThan(5);
          await partitions.disable();
        }
        schemas.push(await describeSchema(db.database));
      } finally {
        await db.drop();
      }
    }
    expect(schemas[1]).toBe(schemas[0]);
  });
});
