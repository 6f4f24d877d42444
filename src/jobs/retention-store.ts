import { Injectable } from '@nestjs/common';
import type { Sql, Transaction } from '../database/database.service.js';
import type { RowsToRemove } from '../database/delete-some.js';
import { tablesOf } from './partition-catalog.js';
import type { IdSpan, Span } from './weeks.js';

/** A place in the order in which jobs ended. The time is PostgreSQL's text, which is more precise than a Date. */
export interface EndPlace {
  readonly id: string;
  readonly ended: string;
}

export const FIRST_END: EndPlace = { ended: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/** Written as in the partial index of ended jobs. */
const ENDED_AT = 'coalesce(completed_at, cancelled_at)';
/** A key id that no client has: a job gets it when its removal begins, so that no client finds it any more. */
export const NOBODY = '';

/** Rows that a job may have any number of and that are removed with the jobs `$1`. */
export const LOTS_OF_JOBS: readonly RowsToRemove[] = [
  // First: a retry that is going must not hold lots of a job that stays.
  { table: 'lot_retries', key: 'job_id, position', where: 'job_id = any($1::uuid[])' },
  { table: 'batch_results', key: 'job_id, position, language, revision', where: 'job_id = any($1::uuid[])' },
  { table: 'batch_lot_inputs', key: 'job_id, position', where: 'job_id = any($1::uuid[])' },
  { table: 'batch_lots', key: 'job_id, position', where: 'job_id = any($1::uuid[])' },
];

/** Finds jobs that are old enough to be removed, and removes them. */
@Injectable()
export class RetentionStore {
  /** The spans of the partitions that lots have; none where their tables are plain. One statement: each round asks it. */
  async weeks(sql: Sql): Promise<Span[]> {
    const tables = await tablesOf(sql);
    return tables.flatMap(({ partitioned, under }) => (partitioned ? under.flatMap(({ span }) => span ?? []) : []));
  }

  /**
   * Locks jobs that ended before a time, in the order in which they ended, beginning after a place; locked jobs are
   * skipped, and so are those with ids in `left`.
   */
  lockEnded(
    tx: Transaction,
    before: Date,
    after: EndPlace,
    limit: number,
    left: readonly IdSpan[] = [],
  ): Promise<EndPlace[]> {
    return tx.query<EndPlace & { [column: string]: unknown }>(
      `select id, ${ENDED_AT}::text as ended from batch_jobs
       where ${ENDED_AT} < $1 and (${ENDED_AT}, id) > ($2::timestamptz, $3::uuid)
         and not exists (select from unnest($4::uuid[], $5::uuid[]) as span (first, behind) where id >= first and id < behind)
       order by ${ENDED_AT}, id limit ${limit} for update skip locked`,
      [before, after.ended, after.id, left.map(({ from }) => from), left.map(({ to }) => to)],
    );
  }

  /**
   * Finds those of the jobs for which no room has work left. It is a statement of its own, after the jobs were locked,
   * so that it sees everything that was added before the locks were taken.
   * @param left - SQL conditions that take the SQL of a job's id and are true when something is left. With `offset 0`
   *   in them each job is looked up by the index, even if the planner has wrong statistics.
   */
  async withNothingLeft(
    tx: Transaction,
    ids: readonly string[],
    left: readonly ((jobId: string) => string)[],
  ): Promise<string[]> {
    if (ids.length === 0) return [];
    const nothing = left.map((isLeft) => `not ${isLeft('j.id')}`).join(' and ');
    const rows = await tx.query<{ id: string }>(`select j.id from unnest($1::uuid[]) as j (id) where ${nothing}`, [
      ids,
    ]);
    return rows.map(({ id }) => id);
  }

  /** Whether jobs of a span have not ended, or ended at a time or later. Hidden ones are none. */
  async hasYounger(sql: Sql, { from, to }: IdSpan, before: Date): Promise<boolean> {
    const rows = await sql.query(
      `select 1 from batch_jobs where id >= $1 and id < $2 and key_id <> $3
         and (${ENDED_AT} is null or ${ENDED_AT} >= $4) order by id desc limit 1`,
      [from, to, NOBODY, before],
    );
    return rows.length > 0;
  }

  /** Locks the next jobs behind an id, up to another one, that ended before a time and are not hidden. */
  async lockShown(tx: Transaction, { from, to }: IdSpan, before: Date, limit: number): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select id from batch_jobs where id > $1 and id < $2 and key_id <> $3 and ${ENDED_AT} < $4
       order by id limit ${limit} for update skip locked`,
      [from, to, NOBODY, before],
    );
    return rows.map(({ id }) => id);
  }

  async hasShown(sql: Sql, { from, to }: IdSpan): Promise<boolean> {
    const rows = await sql.query('select 1 from batch_jobs where id >= $1 and id < $2 and key_id <> $3 limit 1', [
      from,
      to,
      NOBODY,
    ]);
    return rows.length > 0;
  }

  /** Hides the jobs from their clients. */
  async hide(tx: Transaction, ids: readonly string[]): Promise<void> {
    await tx.execute('update batch_jobs set key_id = $2 where id = any($1::uuid[]) and key_id <> $2', [ids, NOBODY]);
  }

  /** Removes the jobs themselves, after all their other rows. */
  async remove(tx: Transaction, ids: readonly string[]): Promise<void> {
    await tx.execute('delete from job_usage where job_id = any($1::uuid[])', [ids]);
    await tx.execute('delete from batch_jobs where id = any($1::uuid[])', [ids]);
  }
}
