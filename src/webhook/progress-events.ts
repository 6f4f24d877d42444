import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Transaction } from '../database/database.service.js';
import type { RunningJob } from '../jobs/job-columns.js';
import { JobReader } from '../jobs/job-reader.js';
import { LotInputStore } from '../jobs/lot-input-store.js';
import { OutboxStore } from './outbox-store.js';
import { progressPayload } from './payload.js';

/**
 * How long a progress event waits for a newer one to replace it, in milliseconds: a receiver gets at most one a second.
 */
const COALESCE_MS = 1000;
const EVENT = 'batch_job_progress';

/** Queues `batch_job_progress` for clients that asked for it; only the latest state is sent. */
@Injectable()
export class ProgressEvents {
  constructor(
    private readonly outbox: OutboxStore,
    private readonly clock: Clock,
    private readonly jobs: JobReader,
    private readonly inputs: LotInputStore,
  ) {}

  /**
   * Queues the job's present state, in place of older progress that was not sent yet. Does nothing for a job that did
   * not ask for progress or has ended. Call it after the job's counts are written, whenever they changed.
   * `DeliveryHints.wake()` is not needed.
   */
  async record(tx: Transaction, jobId: string): Promise<void> {
    const job = await this.jobs.runningThatAskedFor(tx, jobId, EVENT);
    if (job === undefined) return;
    const urls = await this.addresses(tx, job);
    if (urls.length === 0) return;
    const now = this.clock.date();
    // The new event keeps the old one's time, or a job that moves on every half second would never send its progress.
    const turn = await this.outbox.supersedeProgress(tx, jobId);
    const due = new Date(Math.min(turn?.getTime() ?? Infinity, now.getTime() + COALESCE_MS));
    const event = { jobId, keyId: job.keyId, event: EVENT, now } as const;
    await this.outbox.insertStored(tx, event, progressPayload({ ...job, jobId }, now), urls, due);
  }

  private async addresses(tx: Transaction, job: RunningJob): Promise<string[]> {
    const urls = job.lotWebhooks ? await this.inputs.webhooksOf(tx, job.id) : [];
    return job.webhookUrl === null || urls.includes(job.webhookUrl) ? urls : [job.webhookUrl, ...urls];
  }
}
