import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { Database, type Transaction } from '../database/database.service.js';
import { MOST_PAUSED_MS, type PausableJob, type Pause, type Pauser } from './job-pause.js';

/**
 * SQL of the ids of all paused jobs. Claims leave their shards out by `not in`: the list is read once a statement, from
 * a partial index that is empty while nobody pauses.
 */
export const PAUSED_JOBS_SQL = '(select id from batch_jobs where paused_at is not null)';

/** SQL that ends a job's pause. @param at - SQL of the time */
export function endPauseSql(at: string): string {
  return `paused_by_client = false, operator_pause_reason = null, paused_at = null, paused_ms = least(${MOST_PAUSED_MS}, ${pausedUntilSql(at)})`;
}

/** The pauses of jobs: who has paused one, since when, and for how long before. */
@Injectable()
export class JobPauseStore {
  constructor(private readonly database: Database) {}

  /** Locks the job's row until the transaction ends; its shards are locked before. Undefined when there is none. */
  async lock(tx: Transaction, jobId: string): Promise<PausableJob | undefined> {
    const [job] = await tx.query<PausableJob & QueryResultRow>(
      `select mode, status, paused_by_client as "pausedByClient", operator_pause_reason is not null as "pausedByOperator",
         paused_at as "pausedAt", paused_ms::float8 as "pausedMs"
       from batch_jobs where id = $1 for no key update`,
      [jobId],
    );
    return job;
  }

  /** Sets the flag of a locked job's client or operator. */
  async pause(tx: Transaction, jobId: string, pause: Pause, at: Date): Promise<void> {
    const byClient = pause.by === 'client';
    await tx.execute(
      `update batch_jobs set ${byClient ? 'paused_by_client = true' : 'operator_pause_reason = $3'},
         paused_at = coalesce(paused_at, $2), updated_at = $2, version = version + 1 where id = $1`,
      byClient ? [jobId, at] : [jobId, at, pause.reason],
    );
  }

  /** Clears one flag of a locked job that the other one keeps paused. */
  async clear(tx: Transaction, jobId: string, by: Pauser, at: Date): Promise<void> {
    const flag = by === 'client' ? 'paused_by_client = false' : 'operator_pause_reason = null';
    await tx.execute(`update batch_jobs set ${flag}, updated_at = $2, version = version + 1 where id = $1`, [
      jobId,
      at,
    ]);
  }

  /** Clears both flags of a locked job, and counts how long it was paused. */
  async resume(tx: Transaction, jobId: string, at: Date): Promise<void> {
    await tx.execute(
      `update batch_jobs set ${endPauseSql('$2')}, updated_at = $2, version = version + 1 where id = $1`,
      [jobId, at],
    );
  }

  /** Some jobs that have been paused as long as a job may be. */
  async usedUp(now: Date, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select id from batch_jobs where paused_at is not null and ${pausedUntilSql('$1')} >= ${MOST_PAUSED_MS}
       order by id limit ${limit}`,
      [now],
    );
    return rows.map(({ id }) => id);
  }
}

/** SQL: for how many milliseconds a job was paused until then, its present pause included. */
function pausedUntilSql(at: string): string {
  return `paused_ms + coalesce(greatest(0, floor(extract(epoch from ${at}::timestamptz - paused_at) * 1000)), 0)`;
}
