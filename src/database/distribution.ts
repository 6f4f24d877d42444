import { Logger } from '@nestjs/common';
import { DataSource, type QueryRunner } from 'typeorm';
import type { AppConfig } from '../config/app-config.js';
import { dataSourceOptions } from './data-source-options.js';
import { inTransaction, withMigrationLock } from './migrate.js';

/** The column by whose value a row has its shard. */
const SHARD_COLUMN = 'job_id';
/** How long a table's lock is waited for: longer, and all requests would queue behind the one that waits. */
const LOCK_TIMEOUT = '5s';

/** What a data source and one of its connections have in common. */
interface Queries {
  query(text: string, values: unknown[]): Promise<unknown>;
}

/** The database cannot be distributed as it is; the message says what to do. */
class DistributionRefusedError extends Error {
  override name = 'DistributionRefusedError';
}

/**
 * Brings the large tables to where CITUS wants them: onto the data nodes of a Citus, back into the coordinator's own tables, or
 * nowhere. All of them move in one transaction with their rows, so that no process ever finds one of them moved and another not,
 * and a process that dies leaves everything as it was. It can be repeated: what is done already is left alone.
 * While it runs nobody can read or write these tables.
 * @param tables - those that are joined with each other, all with the column `job_id`; the first is the one that the others are kept beside
 * @throws DistributionRefusedError when one of them is in Citus already, but otherwise; nothing was changed then
 * @returns the tables that were moved
 */
export async function distribute(
  config: Pick<AppConfig, 'packageRoot' | 'database' | 'role'>,
  url: string,
  tables: readonly string[],
): Promise<string[]> {
  const { citus } = config.database;
  if (citus === undefined || citus.aim === 'as-is') return [];
  return withMigrationLock(config, url, async (dataSource) => {
    const wanted = citus.aim === 'distributed';
    // Looked at without a lock first, so that a deployment that sets CITUS at each migration holds nobody up.
    const left = await toMove(dataSource, tables, wanted);
    const moved = await inTransaction(dataSource, async (runner) => {
      if (left.length === 0) return [];
      // In one statement and in one order, so that a transaction of the service never waits for one table while it holds another.
      await runner.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
      await runner.query(`lock table ${tables.join(', ')} in access exclusive mode`);
      await runner.query('set local lock_timeout = 0');
      const moving = await toMove(runner, tables, wanted);
      for (const table of moving) {
        if (wanted) await distributeTable(runner, table, tables[0] as string, citus);
        else await runner.query('select undistribute_table($1::regclass)', [table]);
      }
      return moving;
    });
    // Tables that were just filled have no statistics yet, and autovacuum comes only after a minute.
    if (moved.length > 0) await dataSource.query(`analyze ${moved.join(', ')}`);
    const logger = new Logger('Database');
    if (moved.length === 0) logger.log(`the large tables are ${wanted ? 'distributed' : 'local'} already`, { tables });
    else logger.log(`the large tables were ${wanted ? 'distributed' : 'brought back'}`, { tables: moved });
    return moved;
  });
}

async function distributeTable(
  runner: QueryRunner,
  table: string,
  first: string,
  { shardCount, colocateWith }: NonNullable<AppConfig['database']['citus']>,
): Promise<void> {
  // The shard count of a group is that of the table that began it, and naming both is refused.
  const beginsGroup = table === first && (colocateWith === 'none' || colocateWith === 'default');
  await runner.query(
    `select create_distributed_table($1::regclass, '${SHARD_COLUMN}', colocate_with => $2${beginsGroup ? ', shard_count => $3' : ''})`,
    [table, table === first ? colocateWith : first, ...(beginsGroup ? [shardCount] : [])],
  );
  // The copied rows stay in the coordinator's own table, unseen, until they are removed.
  await runner.query('select truncate_local_data_after_distributing_table($1::regclass)', [table]);
}

/**
 * Checks, before any migration runs, that the database can be what CITUS wants it to be. Migrations would make tables on a data node,
 * which would then be in the way of the coordinator's shards.
 * @throws DistributionRefusedError that says what is missing
 */
export async function refuseUnfit(
  config: Pick<AppConfig, 'database' | 'role'>,
  url: string,
  tables: readonly string[],
): Promise<void> {
  const { citus, readUrl } = config.database;
  if (citus === undefined || citus.aim === 'as-is') return;
  if (citus.aim === 'distributed' && readUrl !== '') {
    throw new DistributionRefusedError(
      'CITUS=true, but DATABASE_READ_URL is set: both together are not supported, as each replica would be behind by a time of its ' +
        'own. Leave DATABASE_READ_URL empty, here and in every other process of the service.',
    );
  }
  const dataSource = await new DataSource({ ...dataSourceOptions(config, url), poolSize: 1 }).initialize();
  try {
    await refuseServer(dataSource);
    if (citus.aim === 'distributed') await refuseTables(dataSource, tables);
  } finally {
    await dataSource.destroy();
  }
}

async function refuseServer(dataSource: DataSource): Promise<void> {
  const [extension] = await dataSource.query<unknown[]>(`select from pg_extension where extname = 'citus'`);
  if (extension === undefined) {
    throw new DistributionRefusedError(
      `CITUS is set, but this database does not have the extension citus. The coordinator and every data node need it: ` +
        `shared_preload_libraries = 'citus' in postgresql.conf, a restart, then "create extension citus" in this database on each of them.`,
    );
  }
  const [here] = await dataSource.query<{ groupid: number }[]>('select groupid from pg_dist_local_group');
  if (here?.groupid !== 0) {
    throw new DistributionRefusedError(
      'DATABASE_URL names a data node. Jobs, claims and deliveries live on the coordinator alone: name that one.',
    );
  }
}

async function refuseTables(dataSource: DataSource, tables: readonly string[]): Promise<void> {
  const partitioned = await dataSource.query<{ name: string }[]>(
    `select relname as name from pg_class join unnest($1::text[]) as t (name) on oid = to_regclass(t.name)
      where relkind = 'p' order by 1`,
    [tables],
  );
  if (partitioned.length > 0) {
    throw new DistributionRefusedError(
      `CITUS=true, but these tables are partitioned: ${partitioned.map(({ name }) => name).join(', ')}. A table is one or the other: ` +
        `run "npm run ops -- partitions disable" first.`,
    );
  }
  const nodes = await dataSource.query<unknown[]>(
    `select from pg_dist_node where groupid <> 0 and noderole = 'primary' and isactive and shouldhaveshards`,
  );
  if (nodes.length === 0) {
    throw new DistributionRefusedError(
      `CITUS=true, but the coordinator has no data nodes. Add each of them in this database: ` +
        `select citus_set_coordinator_host('<the coordinator>', 5432); select citus_add_node('<a data node>', 5432);`,
    );
  }
}

/** Those of the tables that are not yet where they are wanted. */
async function toMove(sql: Queries, tables: readonly string[], wanted: boolean): Promise<string[]> {
  const rows = (await sql.query(
    `select c.relname as name, column_to_column_name(p.logicalrelid, p.partkey) as by
       from pg_dist_partition p join pg_class c on c.oid = p.logicalrelid where c.oid = any($1::text[]::regclass[])`,
    [tables],
  )) as { name: string; by: string | null }[];
  const other = rows.find(({ by }) => by !== SHARD_COLUMN);
  if (other !== undefined) {
    throw new DistributionRefusedError(
      `${other.name} is in Citus already, but not distributed by ${SHARD_COLUMN}. Bring it back by hand first: ` +
        `select undistribute_table('${other.name}').`,
    );
  }
  return tables.filter((table) => rows.some(({ name }) => name === table) !== wanted);
}
