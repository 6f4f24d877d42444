import { Injectable } from '@nestjs/common';
import { assured, withBriefLock, type Changed } from '../database/brief-lock.js';
import { Database } from '../database/database.service.js';
import { columnsOf, grantsOf, indexesOf, quoted } from '../database/table-catalog.js';
import type { LotTable } from './lot.entities.js';
import { partitionsOf, type Partition } from './partition-catalog.js';
import { PARTITIONS_TURN } from './partition-store.js';
import { TERMINAL_SQL, UNFINISHED_SQL } from './states.js';
import { idsOf, includes, type Span } from './weeks.js';

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
      const empty: string[] = [];
      const filled: Partition[] = [];
      for (const partition of partitions) {
        if (partition === kept) continue;
        if ((await tx.query(`select 1 where ${isEmpty(partition.name)}`)).length > 0) empty.push(partition.name);
        else filled.push(partition);
      }
      const running = NEEDS_ENDED_JOBS.includes(table) ? filled.map(({ span }) => unfinishedIn(span)) : [];
      for (const jobs of running) {
        const [row] = await tx.query<{ jobs: number }>(`select count(*)::int as jobs from ${jobs}`);
        if (row !== undefined && row.jobs > 0) return { result: row.jobs, statements: [] };
      }
      const statements = [
        ...empty.map((name) => assured(isEmpty(name))),
        ...running.map((jobs) => assured(`not exists (select from ${jobs})`)),
        ...(await grantsOf(tx, table, kept.name)),
        ...empty.map((name) => `drop table ${quoted(name)}`),
        ...[kept, ...filled].map(({ name }) => `alter table ${quoted(table)} detach partition ${quoted(name)}`),
        `drop table ${quoted(table)}`,
        `alter table ${quoted(kept.name)} rename to ${quoted(table)}`,
        ...(await indexesOf(tx, kept.name)).flatMap(({ name, parent }) =>
          parent === null ? [] : [`alter index ${quoted(name)} rename to ${quoted(parent)}`],
        ),
        ...filled.map(({ name }) => `alter table ${quoted(name)} inherit ${quoted(table)}`),
      ];
      return { result: 0, statements };
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
      const empty = (await tx.query(`select 1 where ${isEmpty(leftover)}`)).length > 0;
      return { result: empty, statements: empty ? [assured(isEmpty(leftover)), `drop table ${quoted(leftover)}`] : [] };
    });
    return result;
  }
}

function isEmpty(name: string): string {
  return `not exists (select from only ${quoted(name)})`;
}

/** SQL of the unfinished jobs of a span. */
function unfinishedIn(span: Span | null): string {
  const { from, to } = idsOf(span ?? { from: null, to: null });
  return `batch_jobs where status in ${UNFINISHED_SQL} and id >= '${from}' and id < '${to}'`;
}
