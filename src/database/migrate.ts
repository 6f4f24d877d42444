import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Logger } from '@nestjs/common';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { AppConfig } from '../config/app-config.js';
import { dataSourceOptions } from './data-source-options.js';

/** A migration that makes tables lists their names, because the older service may have had tables of the same names. */
type Migration = MigrationInterface & { readonly tables?: readonly string[] };
type MigrationClass = new () => Migration;
type MigrationConfig = Pick<AppConfig, 'packageRoot' | 'database' | 'role'>;

/** Any fixed number. A process holds this lock while it migrates, so that processes that start together take turns. */
const MIGRATION_LOCK = 7_402_118_651;
/** The table in which TypeORM records the migrations that have run. */
const MIGRATIONS_TABLE = 'migrations';

/** The database's schema does not fit this version of the service; the message says what to do. */
export class SchemaOutdatedError extends Error {
  override name = 'SchemaOutdatedError';
}

/** The database belongs to another program; the message says what to do. */
class StrangeDatabaseError extends Error {
  override name = 'StrangeDatabaseError';

  constructor(tables: readonly string[]) {
    super(
      `The database is not this service's: it has the table(s) ${tables.join(', ')}, but this service did not make them. ` +
        `They are most likely those of the older service, which had tables of the same names; nothing was changed. ` +
        `Make a new, empty database and name it in DATABASE_URL; docs/migration.md says how to move over.`,
    );
  }
}

/**
 * Runs every migration that has not run yet, each in a transaction of its own. Safe from several replicas at once.
 * @throws StrangeDatabaseError before anything is changed
 * @returns the names of those that ran, oldest first
 */
export async function migrateUp(config: MigrationConfig, url: string): Promise<string[]> {
  return withMigrationLock(config, url, async (dataSource) => {
    await refuseStrangers(dataSource, await loadMigrations(config.packageRoot));
    const done = await dataSource.runMigrations({ transaction: 'each' });
    const names = done.map((migration) => migration.name);
    if (names.length > 0) new Logger('Database').log('migrations have run', { migrations: names });
    return names;
  });
}

/**
 * Undoes the newest migrations. The data in their tables is lost.
 * @param steps - how many migrations; `Infinity` for all
 * @returns how many were undone
 */
export async function migrateDown(config: MigrationConfig, url: string, steps = 1): Promise<number> {
  return withMigrationLock(config, url, async (dataSource) => {
    const ran = (await executedMigrations(dataSource)).length;
    const count = Math.min(steps, ran);
    for (let step = 0; step < count; step++) await dataSource.undoLastMigration({ transaction: 'each' });
    return count;
  });
}

/**
 * Checks that every migration of this version has run. Migrations that this version does not know only cause a warning:
 * during a rolling deployment, older processes still run with the newer schema.
 * @throws SchemaOutdatedError that names the missing migrations; StrangeDatabaseError
 */
export async function assertSchemaIsCurrent(config: MigrationConfig, url: string): Promise<void> {
  const migrations = await loadMigrations(config.packageRoot);
  const known = migrations.map(nameOf);
  const executed = await withDataSource(config, url, [], (dataSource) => refuseStrangers(dataSource, migrations));
  const missing = known.filter((name) => !executed.includes(name));
  if (missing.length > 0) {
    throw new SchemaOutdatedError(
      `${missing.length} migration(s) have not run in this database: ${missing.join(', ')}. ` +
        `Run this version once with ROLE=migrate, then start it again.`,
    );
  }
  const unknown = executed.filter((name) => !known.includes(name));
  if (unknown.length > 0) new Logger('Database').warn('the schema is newer than this version', { migrations: unknown });
}

/**
 * The classes in migrations/, in the order of their names. TypeORM would use a glob, which fails in a folder named
 * `[x]`.
 */
async function loadMigrations(packageRoot: string): Promise<MigrationClass[]> {
  const folder = join(packageRoot, 'migrations');
  const files = (await readdir(folder)).filter((file) => /^\d+-.*\.js$/.test(file)).sort();
  const classes: MigrationClass[] = [];
  for (const file of files) {
    const module = (await import(/* @vite-ignore */ pathToFileURL(join(folder, file)).href)) as Record<string, unknown>;
    for (const member of Object.values(module)) {
      if (typeof member === 'function') classes.push(member as MigrationClass);
    }
  }
  return classes;
}

function nameOf(migration: MigrationClass): string {
  return new migration().name ?? migration.name;
}

/**
 * Refuses a database that has tables of our names which our migrations did not make, such as the older service's
 * database.
 * @returns the names of the migrations that have run
 * @throws StrangeDatabaseError
 */
async function refuseStrangers(dataSource: DataSource, migrations: readonly MigrationClass[]): Promise<string[]> {
  const executed = await executedMigrations(dataSource);
  if (migrations.some((migration) => executed.includes(nameOf(migration)))) return executed;
  const made = migrations.flatMap((migration) => new migration().tables ?? []);
  const tables = await dataSource.query<{ name: string }[]>(
    `select name from unnest($1::text[]) name where to_regclass(name) is not null`,
    [made],
  );
  if (tables.length > 0) throw new StrangeDatabaseError(tables.map(({ name }) => name));
  return executed;
}

async function executedMigrations(dataSource: DataSource): Promise<string[]> {
  // Recognized by its columns, because other programs have a table of this name too.
  const [table] = await dataSource.query<{ present: boolean }[]>(
    `select count(*) = 2 as present from pg_attribute
     where attrelid = to_regclass($1) and attname in ('id', 'name') and not attisdropped`,
    [MIGRATIONS_TABLE],
  );
  if (table?.present !== true) return [];
  const rows = await dataSource.query<{ name: string }[]>(`select name from ${MIGRATIONS_TABLE} order by id`);
  return rows.map((row) => row.name);
}

/**
 * Runs work under the migration lock. It is held by a transaction on a connection of its own: it ends with the
 * connection, PgBouncer cannot lose it, and a migration may still run outside a transaction (`create index
 * concurrently`).
 */
export async function withMigrationLock<T>(
  config: MigrationConfig,
  url: string,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  return withDataSource(config, url, await loadMigrations(config.packageRoot), (dataSource) =>
    inTransaction(dataSource, async (guard) => {
      await guard.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      return work(dataSource);
    }),
  );
}

/** Runs `work` in a transaction on a connection of its own: committed when it resolves, rolled back when it throws. */
export async function inTransaction<T>(dataSource: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.startTransaction();
    const result = await work(runner);
    await runner.commitTransaction();
    return result;
  } finally {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    await runner.release();
  }
}

async function withDataSource<T>(
  config: MigrationConfig,
  url: string,
  migrations: MigrationClass[],
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const options = dataSourceOptions(config, url);
  const dataSource = new DataSource({ ...options, migrations, migrationsTableName: MIGRATIONS_TABLE, poolSize: 3 });
  await dataSource.initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
