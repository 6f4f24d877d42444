import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Transaction } from '../database/database.service.js';
import type { JobOptions } from '../jobs/batch-job.entity.js';
import { UNFINISHED_SQL } from '../jobs/states.js';
import { OutboxStore } from './outbox-store.js';
import { progressPayload, type Progress } from './payload.js';

/** How long a progress event waits for a newer one to take its place: no receiver gets more than one a second. */
const COALESCE_MS = 1000;

interface RunningJob extends Progress {
  readonly keyId: string;
  readonly webhookUrl: string | null;
  readonly options: JobOptions;
}

/** `batch_job_progress` for those who asked for it; only the latest state is worth sending. */
@Injectable()
export class ProgressEvents {
  constructor(
    private readonly outbox: OutboxStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Queues the job's state as this transaction leaves it, in place of older progress that has not left yet. Does nothing
   * for a job that did not ask for progress or has ended. To be called after the job's counts are written, whenever
   * they changed; `DeliveryHints.wake()` is not needed.
   */
  async record(tx: Transaction, jobId: string): Promise<void> {
    const [job] = await tx.query<RunningJob>(
      `select id as "jobId", key_id as "keyId", webhook_url as "webhookUrl", options, metadata, status, stage,
         total_lots as "totalLots", processed_lots as "processedLots", failed_lots as "failedLots"
       from batch_jobs
       where id = $1 and status in ${UNFINISHED_SQL} and options->'webhook_events' ? 'batch_job_progress'`,
      [jobId],
    );
    if (job === undefined) return;
    const urls = await this.addresses(tx, job);
    if (urls.length === 0) return;
    const now = this.clock.date();
    // What waited keeps its turn, or a job that moves on every half second would never tell anybody.
    const turn = await this.outbox.supersedeProgress(tx, jobId);
    const due = new Date(Math.min(turn?.getTime() ?? Infinity, now.getTime() + COALESCE_MS));
    const event = { jobId, keyId: job.keyId, event: 'batch_job_progress', now } as const;
    await this.outbox.insertStored(tx, event, progressPayload(job, now), urls, due);
  }

  private async addresses(tx: Transaction, job: RunningJob): Promise<string[]> {
    const own = await tx.query<{ webhook: string }>(
      'select distinct webhook from batch_lot_inputs where job_id = $1 and webhook is not null order by webhook',
      [job.jobId],
    );
    const urls = own.map(({ webhook }) => webhook);
    return job.webhookUrl === null || urls.includes(job.webhookUrl) ? urls : [job.webhookUrl, ...urls];
  }
}
