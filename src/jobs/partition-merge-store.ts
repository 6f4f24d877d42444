import { Injectable } from '@nestjs/common';
import { withBriefLock, type Changed } from '../database/brief-lock.js';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import { copyGrants, quoted } from '../database/table-catalog.js';
import { PARTITIONS_TURN, partitionsOf, type LotTable, type Partition } from './partition-store.js';
import { TERMINAL_SQL, UNFINISHED_SQL } from './states.js';
import { idsOf, includes, type IdSpan } from './weeks.js';

/** Rows per transaction, so that no lock and no transaction lasts. */
const STEP_ROWS = 2000;
/** A locked job is waited for this long: retention or a rerender has it for a moment. */
const JOB_LOCK = '5s';

/** Results are inserted where they are not there yet, which is looked up in the table itself, not in what is left beside it. */
const NEEDS_ENDED_JOBS: readonly LotTable[] = ['batch_results'];
/** Keys by which rows are moved. */
const KEYS: Readonly<Record<LotTable, string>> = {
  batch_lots: 'job_id, position',
  batch_lot_inputs: 'job_id, position',
  batch_results: 'job_id, position, language, revision',
};

export interface MoveStep {
  /** How many rows were moved. */
  readonly rows: number;
  /** The place from which the next step goes on: after this job. */
  readonly after: string;
}

/** Makes a partitioned table a plain one again, while a service uses it. */
@Injectable()
export class PartitionMergeStore {
  constructor(private readonly database: Database) {}

  /**
   * Puts the partition of the present in the place of the partitioned table. The others, if they have rows, become tables beside it
   * whose rows every statement sees (table inheritance), and from which they can be moved in any order.
   * @returns how many unfinished jobs of other weeks it has to wait for; 0 when it is done
   */
  async join(table: LotTable, now: number): Promise<Changed<number>> {
    const lock = { turn: PARTITIONS_TURN, ahead: [quoted(table)], tables: [quoted(table)] };
    return withBriefLock(this.database, lock, async (tx) => {
      const partitions = await partitionsOf(tx, table);
      const rest = partitions.find(({ span }) => span === null);
      const kept = partitions.find(({ span }) => span !== null && includes(span, now)) ?? rest;
      if (kept === undefined) throw new Error(`${table} has no partition for the jobs of now.`);
      const others = partitions.filter((partition) => partition !== kept);
      const filled = new Set<string>();
      let waiting = 0;
      for (const partition of others) {
        const ids = await idsIn(tx, partition);
        if (ids === null) continue;
        filled.add(partition.name);
        if (NEEDS_ENDED_JOBS.includes(table)) waiting += await unfinished(tx, ids);
      }
      if (waiting > 0) return waiting;
      const indexes = await tx.query<{ name: string; parent: string }>(
        `select c.relname as name, p.relname as parent from pg_index x
         join pg_inherits i on i.inhrelid = x.indexrelid
         join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
         where x.indrelid = to_regclass(quote_ident($1))`,
        [kept.name],
      );
      await copyGrants(tx, table, kept.name);
      for (const { name } of partitions) {
        // Dropping it needs no detaching before.
        if (name !== kept.name && !filled.has(name)) await tx.execute(`drop table ${quoted(name)}`);
        else await tx.execute(`alter table ${quoted(table)} detach partition ${quoted(name)}`);
      }
      await tx.execute(`drop table ${quoted(table)}`);
      await tx.execute(`alter table ${quoted(kept.name)} rename to ${quoted(table)}`);
      for (const { name, parent } of indexes)
        await tx.execute(`alter index ${quoted(name)} rename to ${quoted(parent)}`);
      for (const name of filled) await tx.execute(`alter table ${quoted(name)} inherit ${quoted(table)}`);
      return 0;
    });
  }

  /**
   * Moves some rows of ended jobs, the first ones after a job. Their jobs are locked meanwhile: what else changes rows of an ended
   * job (retention, a rerender) locks them too. Rows of jobs that have not ended are left for later.
   * @returns null when there is nothing after that job
   */
  async moveSome(table: LotTable, leftover: string, after: string): Promise<MoveStep | null> {
    return this.database.transaction(async (tx) => {
      await tx.query(`select set_config('lock_timeout', $1, true)`, [JOB_LOCK]);
      const source = quoted(leftover);
      const jobs = await tx.query<{ id: string }>(
        `select distinct job_id as id from (
           select job_id from only ${source} where job_id > $1 order by job_id limit ${STEP_ROWS}) rows order by 1`,
        [after],
      );
      const last = jobs.at(-1);
      if (last === undefined) return null;
      const ids = jobs.map(({ id }) => id);
      const ended = await tx.query<{ id: string }>(
        `select id from batch_jobs where id = any($1::uuid[]) and status in ${TERMINAL_SQL} order by id for update`,
        [ids],
      );
      // After the locks. Rows without a job are moved too.
      const there = await tx.query<{ id: string }>('select id from batch_jobs where id = any($1::uuid[])', [ids]);
      const busy = new Set(there.map(({ id }) => id));
      for (const { id } of ended) busy.delete(id);
      const columns = (await columnsOf(tx, table)).map(quoted).join(', ');
      const key = KEYS[table];
      const rows = await tx.execute(
        `with moved as (
           delete from only ${source} where (${key}) in (
             select ${key} from only ${source} where job_id = any($1::uuid[]) order by ${key} limit ${STEP_ROWS})
           returning ${columns})
         insert into ${table} (${columns}) select ${columns} from moved`,
        [ids.filter((id) => !busy.has(id))],
      );
      return { rows, after: rows < STEP_ROWS ? last.id : after };
    });
  }

  /** Drops what is left beside a table. @returns false when it still has rows */
  async dropEmpty(leftover: string): Promise<boolean> {
    const lock = { turn: PARTITIONS_TURN, ahead: [quoted(leftover)], tables: [quoted(leftover)] };
    const { result } = await withBriefLock(this.database, lock, async (tx) => {
      if ((await tx.query(`select 1 from only ${quoted(leftover)} limit 1`)).length > 0) return false;
      await tx.execute(`drop table ${quoted(leftover)}`);
      return true;
    });
    return result;
  }
}

/** The ids between the first and the last row; null when there is no row. */
async function idsIn(tx: Transaction, { name, span }: Partition): Promise<IdSpan | null> {
  const [row] = await tx.query(`select 1 from only ${quoted(name)} limit 1`);
  return row === undefined ? null : idsOf(span ?? { from: null, to: null });
}

async function unfinished(tx: Transaction, { from, to }: IdSpan): Promise<number> {
  const [row] = await tx.query<{ jobs: number }>(
    `select count(*)::int as jobs from batch_jobs where status in ${UNFINISHED_SQL} and id >= $1 and id < $2`,
    [from, to],
  );
  return row?.jobs ?? 0;
}

async function columnsOf(sql: Sql, table: string): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = to_regclass(quote_ident($1)) and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}
