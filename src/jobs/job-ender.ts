import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Database, type Transaction } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import type { CompletedJob } from './job-columns.js';
import { countEndedJob } from './job-metrics.js';
import { JobStore } from './job-store.js';
import { LotEndStore } from './lot-end-store.js';
import { completeAssessments } from './result-store.js';
import type { TerminalStatus } from './states.js';
import type { CompletedLot, HeldSyncJob } from './sync-job.js';
import { SyncJobStore } from './sync-job-store.js';

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

/** What the ended job's row says of what is sent. */
type Receivers = Pick<JobEnd, 'keyId' | 'webhookUrl' | 'lotWebhooks' | 'metadataBytes'>;

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
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly syncJobs: SyncJobStore,
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
    await this.queue(tx, jobId, status, job, at);
    return true;
  }

  /**
   * Ends a synchronous job with its described lot, in a transaction of its own; then as {@link endJob}. Nearly all are ended by one
   * statement: only where webhooks or a changed assessment are written beside it are there more.
   * @returns undefined when the job had ended or is held by another process; nothing was written then
   */
  async complete(held: HeldSyncJob, lot: CompletedLot): Promise<CompletedJob | undefined> {
    const at = this.clock.date();
    const alone =
      lot.assessment === null
        ? await this.syncJobs.complete(this.database, held, lot, { at, handedOver: false })
        : undefined;
    const job = alone ?? (await this.database.transaction((tx) => this.completeIn(tx, held, lot, at)));
    if (job !== undefined) countEndedJob('sync', 'completed');
    return job;
  }

  private async completeIn(
    tx: Transaction,
    held: HeldSyncJob,
    lot: CompletedLot,
    at: Date,
  ): Promise<CompletedJob | undefined> {
    const job = await this.syncJobs.complete(tx, held, lot, { at, handedOver: true });
    if (job === undefined) return undefined;
    const { assessment } = lot;
    if (assessment !== null) await completeAssessments(tx, held.id, [{ position: 0, assessment }]);
    if (job.handedOverAt === null) return job;
    await this.queue(tx, held.id, 'completed', job, at);
    return job;
  }

  private async queue(tx: Transaction, jobId: string, status: TerminalStatus, job: Receivers, at: Date): Promise<void> {
    const { keyId, webhookUrl, lotWebhooks, metadataBytes } = job;
    await this.outbox.add(tx, { jobId, keyId, status, webhookUrl, lotWebhooks, metadataBytes, at });
  }

  /** The error of a job none of whose lots could be described. Each lot says why, but clients look at the job first. */
  private async mostCommonFailure(tx: Transaction, jobId: string): Promise<StoredError | undefined> {
    const most = await this.lots.mostCommonFailure(tx, jobId);
    if (most === undefined) return undefined;
    const message = `None of the lots could be described; ${most.lots} failed with ${most.code}. Each lot in the results says why.`;
    return { code: most.code, message };
  }
}
