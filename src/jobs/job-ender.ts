import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Transaction } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import { UNFINISHED_SQL, type JobMode, type TerminalStatus } from './states.js';

export interface EndJobOptions {
  /** Why the job as a whole failed; shown as `error_message`. Without it a failed job names what most of its lots failed with. */
  readonly error?: StoredError;
}

/** A job whose last state has just been written, in the transaction that wrote it. */
export interface JobEnd {
  readonly jobId: string;
  readonly keyId: string;
  readonly status: TerminalStatus;
  readonly webhookUrl: string | null;
  readonly metadataBytes: number;
  readonly at: Date;
}

/** What is to be sent when a job ends. webhook/ provides it, because jobs/ knows nothing of receivers. */
export abstract class JobEndOutbox {
  /** Writes what is to be sent, in the same transaction, so that it exists exactly when the end does. */
  abstract add(tx: Transaction, end: JobEnd): Promise<void>;
}

interface EndedRow {
  readonly key_id: string;
  readonly mode: JobMode;
  readonly handed_over_at: Date | null;
  readonly webhook_url: string | null;
  readonly metadata_bytes: number;
}

/** The only way a job ends: its last state and what is sent of it in one transaction, so that neither exists without the other. */
@Injectable()
export class JobEnder {
  constructor(
    private readonly clock: Clock,
    private readonly outbox: JobEndOutbox,
  ) {}

  /**
   * Ends a job and queues its webhooks. The job's counts must already be right in this transaction. Call
   * `DeliveryHints.wake()` after the commit. A synchronous job that was never handed over gets no webhooks: its answer
   * was the 200.
   * @returns false when the job had ended before (or does not exist); nothing was changed then, and the caller rolls back
   */
  async endJob(tx: Transaction, jobId: string, status: TerminalStatus, options: EndJobOptions = {}): Promise<boolean> {
    const at = this.clock.date();
    const error = options.error ?? (status === 'failed' ? await mostCommonFailure(tx, jobId) : undefined);
    const [job] = await tx.query<EndedRow>(
      `update batch_jobs set status = $2, stage = 'done', error = coalesce($3::jsonb, error), version = version + 1,
         completed_at = case when $2 = 'cancelled' then completed_at else $4 end,
         cancelled_at = case when $2 = 'cancelled' then $4 else cancelled_at end,
         updated_at = $4, locked_until = null, lock_token = null
       where id = $1 and status in ${UNFINISHED_SQL}
       returning key_id, mode, handed_over_at, webhook_url, octet_length(metadata::text) as metadata_bytes`,
      [jobId, status, error === undefined ? null : JSON.stringify(error), at],
    );
    if (job === undefined) return false;
    if (job.mode === 'sync' && job.handed_over_at === null) return true;
    await this.outbox.add(tx, {
      jobId,
      keyId: job.key_id,
      status,
      webhookUrl: job.webhook_url,
      metadataBytes: job.metadata_bytes,
      at,
    });
    return true;
  }
}

/** A job fails when none of its lots could be described: each says why, and clients ask the job first. */
async function mostCommonFailure(tx: Transaction, jobId: string): Promise<StoredError | undefined> {
  const [most] = await tx.query<{ code: string; lots: number }>(
    `select error->>'code' as code, count(*)::int as lots from batch_lots
     where job_id = $1 and status = 'failed' and error is not null group by 1 order by 2 desc, 1 limit 1`,
    [jobId],
  );
  if (most === undefined) return undefined;
  const message = `None of the lots could be described; ${most.lots} failed with ${most.code}. Each lot in the results says why.`;
  return { code: most.code, message };
}
