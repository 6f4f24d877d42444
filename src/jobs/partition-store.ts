import { Injectable } from '@nestjs/common';
import { withBriefLock, type Changed, type Plan } from '../database/brief-lock.js';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import { grantsOf, indexesOf, optionsOf, quoted, renamedIndexes } from '../database/table-catalog.js';
import { LOT_TABLES, type LotTable } from './lot.entities.js';
import { dayName, idsOf, spanOf, timeOf, type Span } from './weeks.js';

/** Any fixed number: one process at a time changes the partitions. */
export const PARTITIONS_TURN = 7_402_118_652;

export interface Partition {
  readonly name: string;
  /** Null: the default partition, which takes what no other one does. */
  readonly span: Span | null;
}

export interface TableLayout {
  readonly table: LotTable;
  readonly partitioned: boolean;
  readonly partitions: readonly Partition[];
  /** Former partitions whose rows are being moved into the table; only of one that is not partitioned. */
  readonly leftovers: readonly string[];
  /** The span that the rows of a table are checked for before it becomes a partition. */
  readonly check: SpanCheck | null;
}

export interface SpanCheck {
  readonly span: Span;
  readonly valid: boolean;
}

/** Rows are outside the span that was prepared: some clock was wrong by weeks. */
export class StrangeIdsError extends Error {
  override readonly name = 'StrangeIdsError';
}

/** Another process has partitioned the table since it was looked at. */
export class PartitionedMeanwhileError extends Error {
  override readonly name = 'PartitionedMeanwhileError';
}

const VIOLATION = '23514';
const UNDEFINED_OBJECT = '42704';

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

/** Which partitions the tables of lots have, and the changes of them that a running service does not notice. */
@Injectable()
export class PartitionStore {
  constructor(private readonly database: Database) {}

  /** Those of the tables that Citus distributes, which must have no partitions. */
  async distributed(): Promise<string[]> {
    const [citus] = await this.database.query<{ there: boolean }>(
      `select to_regclass('pg_catalog.pg_dist_partition') is not null as there`,
    );
    if (citus?.there !== true) return [];
    const rows = await this.database.query<{ name: string }>(
      `select logicalrelid::regclass::text as name from pg_catalog.pg_dist_partition
       where logicalrelid::regclass::text = any($1::text[]) order by 1`,
      [LOT_TABLES],
    );
    return rows.map(({ name }) => name);
  }

  async layouts(sql: Sql = this.database): Promise<TableLayout[]> {
    // A table and what is under it in one statement, and by its name in the catalog: another process may be changing them.
    const tables = await sql.query<{ table: LotTable; kind: string; under: Bounds[] }>(
      `select t.name as table, c.relkind::text as kind, (${PARTITIONS_OF}) as under
       from unnest($1::text[]) with ordinality t (name, place)
       join pg_class c on c.relname = t.name and c.relkind in ('r', 'p') and pg_table_is_visible(c.oid) order by place`,
      [LOT_TABLES],
    );
    const layouts: TableLayout[] = [];
    for (const { table, kind, under } of tables) {
      const partitioned = kind === 'p';
      layouts.push({
        table,
        partitioned,
        partitions: partitioned ? under.map(partitionOf) : [],
        leftovers: partitioned ? [] : under.map(({ name }) => name),
        check: await this.check(sql, table),
      });
    }
    return layouts;
  }

  /** The span that a table is checked for before it becomes a partition. */
  async check(sql: Sql, relation: string): Promise<SpanCheck | null> {
    const [found] = await sql.query<{ definition: string; valid: boolean }>(
      `select pg_get_constraintdef(oid) as definition, convalidated as valid from pg_constraint
       where conrelid = to_regclass($1) and conname = $2`,
      [relation, checkOf(relation)],
    );
    if (found === undefined) return null;
    const ends = { from: /job_id >= '([^']+)'/, to: /job_id < '([^']+)'/ };
    const time = (end: RegExp) => {
      const id = end.exec(found.definition)?.[1];
      return id === undefined ? null : timeOf(id);
    };
    return { span: { from: time(ends.from), to: time(ends.to) }, valid: found.valid };
  }

  /**
   * Makes sure that a table has only rows of a span, for good. Reading all of them keeps nobody waiting; what is added meanwhile is
   * checked as it comes.
   * @throws StrangeIdsError when some row is outside; the table is then as it was
   */
  async confine(relation: string, span: Span, signal?: AbortSignal): Promise<void> {
    const check = await this.check(this.database, relation);
    if (check === null || check.span.from !== span.from || check.span.to !== span.to) {
      const { from, to } = idsOf(span);
      const conditions = [
        ...(span.from === null ? [] : [`job_id >= '${from}'`]),
        ...(span.to === null ? [] : [`job_id < '${to}'`]),
      ];
      await this.briefly(
        [relation],
        [relation],
        async (tx) => {
          await refusePartitioned(tx, relation);
          return done(
            droppedCheck(relation),
            `alter table ${quoted(relation)} add constraint ${quoted(checkOf(relation))} check (${conditions.join(' and ')}) not valid`,
          );
        },
        signal,
      );
    } else if (check.valid) return;
    try {
      await this.database.transaction(async (tx) => {
        // Hours, if need be.
        await tx.query(`select set_config('statement_timeout', '0', true)`);
        await tx.execute(`alter table ${quoted(relation)} validate constraint ${quoted(checkOf(relation))}`);
      });
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === UNDEFINED_OBJECT) await refusePartitioned(this.database, relation);
      if (code !== VIOLATION) throw error;
      await this.release(relation, signal);
      throw new StrangeIdsError(`${relation} has rows of jobs whose ids name a time that is weeks off.`);
    }
  }

  /** Takes back what {@link confine} did. */
  async release(relation: string, signal?: AbortSignal): Promise<void> {
    await this.briefly([relation], [relation], async () => done(droppedCheck(relation)), signal);
  }

  /**
   * Puts a partitioned table in the place of a table that is confined to a span, with it as the only partition beside the default
   * one. Nothing is copied.
   */
  async partition(table: LotTable, to: number): Promise<Changed<void>> {
    const old = `${table}_until_${dayName(to)}`;
    return this.briefly([table], [table], async (tx) => {
      await refusePartitioned(tx, table);
      const check = await this.check(tx, table);
      if (check?.valid !== true || check.span.to !== to) throw new Error(`${table} is not prepared.`);
      const indexes = await indexesOf(tx, table);
      return done(
        `alter table ${quoted(table)} rename to ${quoted(old)}`,
        ...renamedIndexes(indexes, table, old),
        // Without indexes, which would get other names.
        `create table ${quoted(table)} (like ${quoted(old)} including all excluding indexes) partition by range (job_id)`,
        droppedCheck(table),
        ...indexes.map(({ name, definition, constraint }) =>
          constraint === null
            ? definition
            : `alter table ${quoted(table)} add constraint ${quoted(name)} ${constraint}`,
        ),
        ...(await grantsOf(tx, table, table)),
        attached(table, old, { from: null, to }),
        droppedCheck(old, checkOf(table)),
        addedDefault(table, await optionsOf(tx, table)),
      );
    });
  }

  /** The first and the last id in a partition; null when it is empty. */
  async ends(partition: string): Promise<{ first: string; last: string } | null> {
    const end = (order: string) => `(select job_id from ${quoted(partition)} order by job_id ${order} limit 1)`;
    const [row] = await this.database.query<{ first: string | null; last: string | null }>(
      `select ${end('asc')} as first, ${end('desc')} as last`,
    );
    return row?.first == null || row.last === null ? null : { first: row.first, last: row.last };
  }

  /** Adds the partition of a week. @returns false when rows of that week are in the default partition */
  async addWeek(table: LotTable, span: Span, signal?: AbortSignal): Promise<boolean> {
    const name = nameOf(table, span);
    const rest = defaultOf(table);
    try {
      await this.briefly(
        [rest],
        [rest],
        async (tx) => {
          const there = await tx.query('select 1 where to_regclass($1) is not null', [name]);
          if (there.length > 0) return done();
          return done(
            `create table ${quoted(name)} (like ${quoted(table)} including all) ${await optionsOf(tx, rest)}`,
            attached(table, name, span),
          );
        },
        signal,
      );
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code === VIOLATION) return false;
      throw error;
    }
  }

  /** Makes the default partition, which is confined to a span, the partition of that span, and adds an empty default one. */
  async promoteDefault(table: LotTable, span: Span, signal?: AbortSignal): Promise<void> {
    const rest = defaultOf(table);
    const name = nameOf(table, span);
    await this.briefly(
      [rest],
      [table, rest],
      async (tx) => {
        const options = await optionsOf(tx, rest);
        return done(
          `alter table ${quoted(table)} detach partition ${quoted(rest)}`,
          `alter table ${quoted(rest)} rename to ${quoted(name)}`,
          ...renamedIndexes(await indexesOf(tx, rest), rest, name),
          attached(table, name, span),
          droppedCheck(name, checkOf(rest)),
          addedDefault(table, options),
        );
      },
      signal,
    );
  }

  /** Drops a partition with all rows. */
  async drop(table: LotTable, partition: string, signal?: AbortSignal): Promise<Changed<void>> {
    return this.briefly([partition], [table], async () => done(`drop table ${quoted(partition)}`), signal);
  }

  /** PostgreSQL itself gathers statistics of partitions, but none of the whole. */
  async analyze(table: LotTable): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query(`select set_config('statement_timeout', '0', true)`);
      await tx.execute(`analyze ${quoted(table)}`);
    });
  }

  /** How many bytes each of these tables takes, with its indexes. */
  async sizes(names: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.database.query<{ name: string; bytes: number }>(
      `select name, pg_total_relation_size(to_regclass(quote_ident(name)))::float8 as bytes from unnest($1::text[]) as t (name)`,
      [names],
    );
    return new Map(rows.map(({ name, bytes }) => [name, bytes]));
  }

  private briefly<T>(
    ahead: readonly string[],
    tables: readonly string[],
    plan: (tx: Transaction) => Promise<Plan<T>>,
    signal?: AbortSignal,
  ): Promise<Changed<T>> {
    const lock = { turn: PARTITIONS_TURN, ahead: ahead.map(quoted), tables: tables.map(quoted) };
    return withBriefLock(this.database, lock, plan, signal);
  }
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
async function refusePartitioned(sql: Sql, relation: string): Promise<void> {
  const found = await sql.query(`select 1 from pg_class where oid = to_regclass(quote_ident($1)) and relkind = 'p'`, [
    relation,
  ]);
  if (found.length > 0) throw new PartitionedMeanwhileError(`${relation} is partitioned already.`);
}

export function defaultOf(table: LotTable): string {
  return `${table}_default`;
}

function nameOf(table: LotTable, { from, to }: Span): string {
  return from === null ? `${table}_until_${dayName(to ?? 0)}` : `${table}_from_${dayName(from)}`;
}

function checkOf(relation: string): string {
  return `${relation}_span`;
}

function done(...statements: string[]): Plan<void> {
  return { result: undefined, statements };
}

function droppedCheck(relation: string, name = checkOf(relation)): string {
  return `alter table ${quoted(relation)} drop constraint if exists ${quoted(name)}`;
}

function attached(table: LotTable, partition: string, span: Span): string {
  const { from, to } = idsOf(span);
  const bounds = `from (${span.from === null ? 'minvalue' : `'${from}'`}) to (${span.to === null ? 'maxvalue' : `'${to}'`})`;
  return `alter table ${quoted(table)} attach partition ${quoted(partition)} for values ${bounds}`;
}

function addedDefault(table: LotTable, options: string): string {
  return `create table ${quoted(defaultOf(table))} partition of ${quoted(table)} default ${options}`;
}
