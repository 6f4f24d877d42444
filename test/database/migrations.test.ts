import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DataSource, type EntityTarget, type ObjectLiteral } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { assertSchemaIsCurrent, migrateDown, migrateUp, SchemaOutdatedError } from '../../src/database/migrate.js';
import { describeSchema } from '../../src/database/schema-dump.js';
import { aJob } from '../support/a-job.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { testConfig } from '../support/database-config.js';
import { wrongFailures } from '../support/wrong-failures.js';

// Real: PostgreSQL, every migration and every entity of the service.

Logger.overrideLogger(false);

const config = testConfig();
const SOURCE = join(import.meta.dirname, '..', '..', 'src');

let db: TestDatabase | undefined;
let folder: string | undefined;

afterEach(async () => {
  await db?.drop();
  db = undefined;
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  folder = undefined;
});

async function emptyDatabase(): Promise<TestDatabase> {
  db = await createTestDatabase({ empty: true });
  return db;
}

/** A package root whose migrations are the real ones and one more. */
async function rootWithOneMore(source: string): Promise<string> {
  // Code that takes the folder's name for a glob would read the brackets as a pattern.
  folder = await mkdtemp(join(tmpdir(), 'generation-[root]-'));
  await cp(join(config.packageRoot, 'migrations'), join(folder, 'migrations'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'migrations', '9000000000000-one-more.js'), source);
  return folder;
}

const ONE_MORE = `export class OneMore9000000000000 {
  async up(queryRunner) { await queryRunner.query('create table one_more (id integer)'); }
  async down(queryRunner) { await queryRunner.query('drop table one_more'); }
}`;

describe('the migrations', () => {
  it('the migrations make the same schema up, all down and up again, and leave nothing between', async () => {
    const { url, database } = await emptyDatabase();
    const names = await migrateUp(config, url);
    expect(names.length).toBeGreaterThan(0);
    const first = await describeSchema(database);
    expect(await migrateDown(config, url, Infinity)).toBe(names.length);
    expect(await describeSchema(database)).toBe('');
    expect(await migrateUp(config, url)).toEqual(names);
    expect(await describeSchema(database)).toBe(first);
  });

  it('the migrations run once when several replicas start together', async () => {
    const { url } = await emptyDatabase();
    const runs = await Promise.all([migrateUp(config, url), migrateUp(config, url), migrateUp(config, url)]);
    expect(runs.flat()).toEqual(runs.find((names) => names.length > 0));
  });

  it('the migrations make what the entities say', async () => {
    db = await createTestDatabase();
    const entities = await allEntities();
    expect(entities.length).toBeGreaterThan(10);
    const dataSource = await new DataSource(dataSourceOptions(config, db.url, entities)).initialize();
    try {
      const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
      // The entities leave CHECK constraints to the migrations; TypeORM would drop what it does not know.
      const differences = upQueries.map((statement) => statement.query);
      expect(differences.filter((text) => !/^ALTER TABLE "\w+" DROP CONSTRAINT "\w+_check"$/.test(text))).toEqual([]);
    } finally {
      await dataSource.destroy();
    }
  });

  it('the failures of jobs from before are counted once, by the migration', async () => {
    const { url, database } = await emptyDatabase();
    const names = await migrateUp(config, url);
    await migrateDown(config, url, names.length - names.indexOf('FailuresAndReviews1764340000000'));
    const failed = await aJob(database, { totalLots: 4, failedLots: 3 });
    const fine = await aJob(database, {});
    await database.execute(
      `insert into batch_lots (job_id, position, lot_id, status, error, finished_at)
       select $1, n, n, case when n < 3 then 'failed' else 'processing' end,
         case when n < 3 then jsonb_build_object('code', case when n = 0 then 'REFUSED' else 'NO_IMAGES' end) end,
         case when n < 3 then '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 hour' end
       from generate_series(0, 3) n`,
      [failed],
    );
    await migrateUp(config, url);
    expect(await wrongFailures(database)).toEqual([]);
    const rows = await database.query('select id, failures from batch_jobs order by id');
    expect(rows).toMatchObject([
      { id: failed, failures: { REFUSED: { lots: 1 }, NO_IMAGES: { lots: 2 } } },
      { id: fine, failures: {} },
    ]);
  });

  it('the webhooks of lots from before are found by the migration, and a process from before is believed to have some', async () => {
    const { url, database } = await emptyDatabase();
    const names = await migrateUp(config, url);
    await migrateDown(config, url, names.length - names.indexOf('LotWebhooks1764410000000'));
    const [some, none] = [await aJob(database, {}), await aJob(database, {})];
    for (const [job, webhook] of [
      [some, null],
      [some, 'https://a.test/'],
      [none, null],
    ])
      await database.execute(
        `insert into batch_lot_inputs (job_id, position, images, webhook)
         select $1, count(*), '[]', $2 from batch_lot_inputs where job_id = $1`,
        [job, webhook],
      );
    await migrateUp(config, url);
    const later = await aJob(database, {});
    const rows = await database.query<{ id: string }>('select id from batch_jobs where lot_webhooks order by id');
    expect(rows.map(({ id }) => id)).toEqual([some, later]);
  });

  it('migrations of which one fails leave nothing of it behind', async () => {
    const { url, database } = await emptyDatabase();
    await migrateUp(config, url);
    const before = await describeSchema(database);
    const packageRoot = await rootWithOneMore(ONE_MORE.replace('(id integer)', '(id integer); select 1/0'));
    await expect(migrateUp({ ...config, packageRoot }, url)).rejects.toThrow(/division by zero/);
    expect(await describeSchema(database)).toBe(before);
  });
});

describe('the check at start', () => {
  it('the check at start refuses an empty database and names what to run', async () => {
    const { url } = await emptyDatabase();
    const refusal = assertSchemaIsCurrent(config, url);
    await expect(refusal).rejects.toThrow(SchemaOutdatedError);
    await expect(refusal).rejects.toThrow(/CreateTables1764000000000.*ROLE=migrate/);
  });

  it('the check at start refuses a database that lacks the newest migration, and lets it pass once it has run', async () => {
    db = await createTestDatabase();
    const newer = { ...config, packageRoot: await rootWithOneMore(ONE_MORE) };
    await expect(assertSchemaIsCurrent(newer, db.url)).rejects.toThrow(
      /1 migration\(s\) have not run.*OneMore9000000000000/,
    );
    expect(await migrateUp(newer, db.url)).toEqual(['OneMore9000000000000']);
    await expect(assertSchemaIsCurrent(newer, db.url)).resolves.toBeUndefined();
  });

  it('the check at start lets an older version work on beside a newer schema', async () => {
    db = await createTestDatabase();
    await migrateUp({ ...config, packageRoot: await rootWithOneMore(ONE_MORE) }, db.url);
    await expect(assertSchemaIsCurrent(config, db.url)).resolves.toBeUndefined();
  });
});

async function allEntities(): Promise<EntityTarget<ObjectLiteral>[]> {
  const files = (await readdir(SOURCE, { recursive: true })).filter((file) => /\.(entity|entities)\.ts$/.test(file));
  const modules = await Promise.all(
    files.map((file) => import(/* @vite-ignore */ join(SOURCE, file)) as Promise<object>),
  );
  return modules.flatMap((module) => Object.values(module).filter((member) => typeof member === 'function'));
}
