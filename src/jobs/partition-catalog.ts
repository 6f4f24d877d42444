import type { Sql } from '../database/database.service.js';
import { LOT_TABLES, type LotTable } from './lot.entities.js';
import { spanOf, type Span } from './weeks.js';

// What PostgreSQL's catalog says of the tables of lots and their partitions.

export interface Partition {
  readonly name: string;
  /** Null: the default partition, which takes what no other one does. */
  readonly span: Span | null;
}

/** A table of lots, with what is under it: its partitions, or what is left of former ones. */
interface LotTableFound {
  readonly table: LotTable;
  readonly partitioned: boolean;
  readonly under: readonly Partition[];
}

/** Another process has partitioned the table since it was looked at. */
export class PartitionedMeanwhileError extends Error {
  override readonly name = 'PartitionedMeanwhileError';
}

/** A partition as PostgreSQL has it. */
interface Bounds {
  readonly name: string;
  readonly bound: string;
}

/** SQL of the partitions of a table `c`. */
const PARTITIONS_OF = `
  select coalesce(json_agg(json_build_object('name', p.relname, 'bound', coalesce(pg_get_expr(p.relpartbound, p.oid), ''))
    order by p.relname), '[]')
  from pg_inherits i join pg_class p on p.oid = i.inhrelid where i.inhparent = c.oid`;

/** A table and what is under it come from one statement, and it is found by its name in the catalog: another process may be changing them. */
export async function tablesOf(sql: Sql): Promise<LotTableFound[]> {
  const tables = await sql.query<{ table: LotTable; partitioned: boolean; under: Bounds[] }>(
    `select t.name as table, c.relkind = 'p' as partitioned, (${PARTITIONS_OF}) as under
     from unnest($1::text[]) with ordinality t (name, place)
     join pg_class c on c.relname = t.name and c.relkind in ('r', 'p') and pg_table_is_visible(c.oid) order by place`,
    [LOT_TABLES],
  );
  return tables.map(({ under, ...table }) => ({ ...table, under: under.map(partitionOf) }));
}

/** The partitions of a partitioned table. */
export async function partitionsOf(sql: Sql, table: LotTable): Promise<Partition[]> {
  const [found] = await sql.query<{ under: Bounds[] }>(
    `select (${PARTITIONS_OF}) as under from pg_class c where c.oid = to_regclass($1)`,
    [table],
  );
  return found?.under.map(partitionOf) ?? [];
}

function partitionOf({ name, bound }: Bounds): Partition {
  return { name, span: spanOf(bound) };
}

/**
 * Under a partitioned table a check for a span would refuse every later week's jobs.
 * @throws PartitionedMeanwhileError
 */
export async function refusePartitioned(sql: Sql, relation: string): Promise<void> {
  const found = await sql.query(`select 1 from pg_class where oid = to_regclass(quote_ident($1)) and relkind = 'p'`, [
    relation,
  ]);
  if (found.length > 0) throw new PartitionedMeanwhileError(`${relation} is partitioned already.`);
}
