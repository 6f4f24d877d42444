import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../database/database.service.js';
import { unfinishedBatchesSql } from '../../jobs/job-store.js';
import type { ModelStage } from '../../jobs/states.js';
import { hasFiles, isIn, isUnfinished, waitsLong, type ShardStatus } from './shard-states.js';

/** A shard as the status of its job shows it. Times are texts as PostgreSQL writes them in JSON. */
export interface ShardDetail {
  readonly stage: ModelStage;
  readonly first_position: number;
  readonly last_position: number;
  readonly attempt: number;
  readonly model: string;
  readonly status: ShardStatus;
  readonly batch_id: string | null;
  readonly upstream_status: string | null;
  readonly request_total: number;
  readonly request_completed: number;
  readonly request_failed: number;
  readonly reason: string | null;
  readonly submitted_at: string | null;
  readonly finished_at: string | null;
}

/**
 * A job's shards as a JSON array of {@link ShardDetail}, in the order of submission; those not yet submitted come last.
 */
export function shardDetailsSql(jobId: string): string {
  return `(select coalesce(json_agg(b order by b.submitted_at, b.stage desc, b.first_position, b.attempt), '[]') from (
      select stage, first_position, last_position, attempt, model, status, batch_id, upstream_status,
        request_total, request_completed, request_failed, reason, submitted_at, finished_at
      from openai_batches where job_id = ${jobId}) b)`;
}

/**
 * Whether a job still has something at OpenAI: without its shards' rows, files there could no longer be found and
 * deleted.
 */
export function shardsLeftSql(jobId: string): string {
  return `exists (select 1 from openai_batches b where b.job_id = ${jobId}
         and (${isUnfinished('b.')} or ${hasFiles('b.')}) offset 0)`;
}

/** Changes all shards of a job at once, also those that other processes hold. */
@Injectable()
export class JobShardStore {
  constructor(private readonly database: Database) {}

  /**
   * Tells the watch stage to cancel the job's batches at OpenAI. Call it before the job's own row is changed: all
   * transactions lock lots, shards, job, deliveries in this order. While a shard is claimed, next_check_at is the end
   * of its lease and is not changed.
   */
  async cancel(tx: Transaction, jobId: string): Promise<void> {
    // The update alone would lock them as they are stored: it and a resume could wait for each other.
    await this.lock(tx, jobId);
    await tx.execute(
      `update openai_batches set cancel_requested = true,
         next_check_at = case when lock_token is null then least(next_check_at, clock_timestamp()) else next_check_at end
       where job_id = $1 and ${isUnfinished()}`,
      [jobId],
    );
  }

  /**
   * Makes every waiting shard of batch jobs whose deadlines count from before this time due, once: its reason shows that
   * it was done.
   * @returns the number of shards
   */
  async hurry(countedBefore: Date, reason: string): Promise<number> {
    return this.database.execute(
      // The cost of a paused batch will never be known, so it stays held by the job and the shard cannot give it back.
      `update openai_batches set reason = $2, next_check_at = clock_timestamp(),
         reserved_usd = case when ${isIn('paused')} then 0 else reserved_usd end,
         status = case when ${isIn('paused')} then 'queued' else status end
       where (job_id, stage, first_position, attempt) in (
         select b.job_id, b.stage, b.first_position, b.attempt
         from ${unfinishedBatchesSql('$1')} j join openai_batches b on b.job_id = j.id
         where ${waitsLong('b.')} and b.lock_token is null and b.reason is distinct from $2
         for update of b skip locked)`,
      [countedBefore, reason],
    );
  }

  /** Locks a job's unfinished shards until the transaction ends, in an order that is always the same. */
  async lock(tx: Transaction, jobId: string): Promise<void> {
    await tx.query(
      `select 1 from openai_batches where job_id = $1 and ${isUnfinished()}
       order by stage, first_position, attempt for update`,
      [jobId],
    );
  }

  /**
   * Takes a pause of the job out of the time for which its shards have waited. A shard that was made meanwhile has
   * waited for a part of it only.
   */
  async forgetPause(tx: Transaction, jobId: string, pausedMs: number, until: Date): Promise<void> {
    await tx.execute(
      `update openai_batches
       set created_at = created_at + least($2 * interval '1 millisecond', greatest(interval '0', $3 - created_at))
       where job_id = $1 and ${isUnfinished()}`,
      [jobId, pausedMs, until],
    );
  }

  async remove(tx: Transaction, jobIds: readonly string[]): Promise<void> {
    await tx.execute('delete from openai_batches where job_id = any($1::uuid[])', [jobIds]);
  }
}
