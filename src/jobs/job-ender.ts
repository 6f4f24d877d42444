import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Transaction } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import { countEndedJob } from './job-metrics.js';
import { JobStore } from './job-store.js';
import { LotEndStore } from './lot-end-store.js';
import type { TerminalStatus } from './states.js';

export interface EndJobOptions {
  /**
   * Why the whole job failed; shown as `error_message`. If absent, a failed job shows the most common error of its
   * lots.
   */
  readonly error?: StoredError;
}

/** A job whose last state has just been written, in the transaction that wrote it. */
export interface JobEnd {
  readonly jobId: string;
  readonly keyId: string;
  readonly status: TerminalStatus;
  readonly webhookUrl: string | null;
  readonly lotWebhooks: boolean;
  readonly metadataBytes: number;
  readonly at: Date;
}

/** Queues what is sent when a job ends. webhook/ provides it, because jobs/ does not know receivers. */
export abstract class JobEndOutbox {
  /** Writes what is to be sent in the transaction that ends the job, so that both exist or neither does. */
  abstract add(tx: Transaction, end: JobEnd): Promise<void>;
}

/** The only way to end a job: its last state and what is sent about it are written in one transaction. */
@Injectable()
export class JobEnder {
  constructor(
    private readonly clock: Clock,
    private readonly jobs: JobStore,
    private readonly lots: LotEndStore,
    private readonly outbox: JobEndOutbox,
  ) {}

  /**
   * Ends a job and queues its webhooks. The job's counts must already be right in this transaction. Call
   * `DeliveryHints.wake()` after the commit. A synchronous job that was not handed over gets no webhooks: the 200 was
   * its answer.
   * @returns false when the job had ended before or does not exist; nothing was changed then, and the caller must roll
   *   back
   */
  async endJob(tx: Transaction, jobId: string, status: TerminalStatus, options: EndJobOptions = {}): Promise<boolean> {
    const at = this.clock.date();
    const error = options.error ?? (status === 'failed' ? await this.mostCommonFailure(tx, jobId) : undefined);
    const job = await this.jobs.end(tx, jobId, status, at, error);
    if (job === undefined) return false;
    countEndedJob(job.mode, status);
    if (job.mode === 'sync' && job.handedOverAt === null) return true;
    const { keyId, webhookUrl, lotWebhooks, metadataBytes } = job;
    await this.outbox.add(tx, { jobId, keyId, status, webhookUrl, lotWebhooks, metadataBytes, at });
    return true;
  }

  /** The error of a job none of whose lots could be described. Each lot says why, but clients look at the job first. */
  private async mostCommonFailure(tx: Transaction, jobId: string): Promise<StoredError | undefined> {
    const most = await this.lots.mostCommonFailure(tx, jobId);
    if (most === undefined) return undefined;
    const message = `None of the lots could be described; ${most.lots} failed with ${most.code}. Each lot in the results says why.`;
    return { code: most.code, message };
  }
}
