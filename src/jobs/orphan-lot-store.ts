import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { firstIdAt } from '../common/ids.js';

/** Where a job's lots are looked for: jobs that were made from one time to another, in milliseconds since 1970. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Rows of a lot in the order in which they are removed: as long as a job has lots, it is found again. */
const TABLES = ['batch_results', 'batch_lot_inputs', 'batch_lots'] as const;

/** Finds and removes lots whose job does not exist, because the transaction that accepted it was committed in part. */
@Injectable()
export class OrphanLotStore {
  constructor(private readonly database: Database) {}

  /** The next jobs of a window, after an id, that have lots; from the index alone. */
  async jobsWithLots({ from, to }: Window, after: string, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ job_id: string }>(
      `select job_id from batch_lots
       where job_id >= $1 and job_id < $2 and job_id > $3 and position = 0 order by job_id limit $4`,
      [firstIdAt(from), firstIdAt(to), after, limit],
    );
    return rows.map(({ job_id }) => job_id);
  }

  /** Those of the ids that no job has. */
  async withoutJob(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const rows = await this.database.query<{ id: string }>(
      `select id from unnest($1::uuid[]) as asked (id)
       where not exists (select 1 from batch_jobs j where j.id = asked.id offset 0)`,
      [ids],
    );
    return rows.map(({ id }) => id);
  }

  /** Removes up to `limit` rows of each table, the last lots first, so that the first one goes last. @returns how many were removed */
  async removeSome(jobId: string, limit: number): Promise<number> {
    let removed = 0;
    for (const table of TABLES) {
      removed += await this.database.execute(
        `delete from ${table} where job_id = $1 and position >= coalesce(
           (select position from ${table} where job_id = $1 order by position desc offset $2 limit 1), 0)`,
        [jobId, limit],
      );
      if (removed > 0) return removed;
    }
    return removed;
  }
}
