import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/database.service.js';
import type { RowsToRemove } from '../database/delete-some.js';

/** A place in the order in which jobs ended; the time as PostgreSQL writes it, which is finer than a Date. */
export interface EndPlace {
  readonly id: string;
  readonly ended: string;
}

export const FIRST_END: EndPlace = { ended: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/** Spelt as the partial index of ended jobs is. */
const ENDED_AT = 'coalesce(completed_at, cancelled_at)';
/** No client has this key id: a job that is being removed is found by nobody, however far its removal has come. */
const NOBODY = '';

/** What a job may have any number of, and is removed with jobs ($1). */
export const LOTS_OF_JOBS: readonly RowsToRemove[] = [
  { table: 'batch_results', key: 'job_id, position, language, revision', where: 'job_id = any($1::uuid[])' },
  { table: 'batch_lot_inputs', key: 'job_id, position', where: 'job_id = any($1::uuid[])' },
  { table: 'batch_lots', key: 'job_id, position', where: 'job_id = any($1::uuid[])' },
];

/** Jobs that are old enough to go, and their removal. */
@Injectable()
export class RetentionStore {
  /** Locks jobs that ended before this, from a place on, in the order in which they ended; those that others have locked are passed over. */
  lockEnded(tx: Transaction, before: Date, after: EndPlace, limit: number): Promise<EndPlace[]> {
    return tx.query<EndPlace & { [column: string]: unknown }>(
      `select id, ${ENDED_AT}::text as ended from batch_jobs
       where ${ENDED_AT} < $1 and (${ENDED_AT}, id) > ($2::timestamptz, $3::uuid)
       order by ${ENDED_AT}, id limit ${limit} for update skip locked`,
      [before, after.ended, after.id],
    );
  }

  /**
   * Those of the jobs of which no room has anything left to do. One statement, after their locks: what was added while the
   * locks were waited for is seen.
   * @param left - for a job's id in SQL: whether something is left. `offset 0` in it has each job looked up by the index,
   *   whatever the planner thinks of the tables.
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

  /** Hides the jobs from their clients. */
  async hide(tx: Transaction, ids: readonly string[]): Promise<void> {
    await tx.execute('update batch_jobs set key_id = $2 where id = any($1::uuid[]) and key_id <> $2', [ids, NOBODY]);
  }

  /** Removes the jobs themselves, once nothing of theirs is left. */
  async remove(tx: Transaction, ids: readonly string[]): Promise<void> {
    await tx.execute('delete from job_usage where job_id = any($1::uuid[])', [ids]);
    await tx.execute('delete from batch_jobs where id = any($1::uuid[])', [ids]);
  }
}
