import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';
import type { LotEnd } from '../jobs/lot-error-code.js';
import { RequestKeyStore } from '../jobs/request-key-store.js';
import { SyncJobStore } from '../jobs/sync-job-store.js';
import type { ClaimedSyncJob, LotAhead } from '../jobs/sync-job.js';
import { SyncTakeoverStore } from '../jobs/sync-takeover-store.js';
import { DeliveryHints } from '../common/work-hints.js';
import { JobEnder } from '../jobs/job-ender.js';
import { SyncRequests } from './sync-requests.js';

/** How many jobs one process takes over per tick. */
const AT_ONCE = 20;

/** How often a job may be resumed after the processes that held it died. */
const MOST_TAKEOVERS = 5;

const INTERRUPTED: LotEnd = {
  code: 'INTERRUPTED',
  message: 'The service was interrupted while it worked on this lot; send it again.',
};

/**
 * Takes over synchronous jobs whose process died. A job that was promised to go on (it was handed over, or sent with an
 * Idempotency-Key) is resumed after its last committed step. Any other job fails, because no client waits for it.
 */
@Injectable()
export class AbandonedJobsCron implements OnModuleDestroy {
  private readonly logger = new Logger(AbandonedJobsCron.name);
  private stopped = false;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly database: Database,
    private readonly store: SyncJobStore,
    private readonly takeovers: SyncTakeoverStore,
    private readonly keys: RequestKeyStore,
    private readonly requests: SyncRequests,
    private readonly ender: JobEnder,
    private readonly hints: DeliveryHints,
  ) {}

  @Cron('* * * * * *', { name: 'abandoned-sync-jobs', waitForCompletion: true })
  async tick(): Promise<void> {
    if (this.stopped) return;
    try {
      for (const job of await this.takeovers.claimAbandoned(this.config.jobs.leaseSeconds, AT_ONCE)) {
        await this.takeOver(job).catch((error: Error) => {
          // If one job cannot be ended, its lease runs out later, and the other jobs are still handled.
          this.logger.error('an abandoned job could not be taken over', { job_id: job.id, reason: error.message });
        });
      }
    } catch (error) {
      this.logger.warn('abandoned jobs could not be looked for', { reason: (error as Error).message });
    }
  }

  @Cron('30 * * * * *', { name: 'request-keys-sweep', waitForCompletion: true })
  async sweep(): Promise<void> {
    if (this.stopped) return;
    try {
      while ((await this.keys.sweep()) > 0 && !this.stopped);
    } catch (error) {
      this.logger.warn('expired request keys could not be removed', { reason: (error as Error).message });
    }
  }

  onModuleDestroy(): void {
    this.stopped = true;
  }

  private async takeOver(job: ClaimedSyncJob): Promise<void> {
    if (job.ahead !== null && (await this.catchUp(job, job.ahead))) return;
    const promised = job.handedOver || job.options.idempotent === true;
    // Each run may have been paid for, so a job that kills every process must not be resumed again and again.
    if (!promised || job.takeovers > MOST_TAKEOVERS) {
      await this.interrupt(job);
      return;
    }
    this.logger.log('a synchronous job is resumed', { job_id: job.id, vision_answered: job.source !== null });
    // Not awaited, so that the next tick finds other jobs while this one waits for the model.
    void this.requests.run({
      jobId: job.id,
      keyId: null,
      token: job.token,
      languages: job.languages,
      options: job.options,
      lot: job.lot,
      resumed: { source: job.source, missing: job.missingImages },
    });
  }

  /**
   * The lot is further than its job: what it says is taken as it is, and nothing is asked or paid for twice.
   * @returns true when the job has ended with it, or is no longer ours
   */
  private async catchUp(job: ClaimedSyncJob, lot: LotAhead): Promise<boolean> {
    const { status } = lot;
    let ours = false;
    await this.database.transaction(async (tx) => {
      ours = await this.takeovers.catchUp(tx, job, lot);
      if (!ours || status === 'translating') return;
      const error = lot.error === null ? {} : { error: lot.error };
      await this.ender.endJob(tx, job.id, status, error);
    });
    this.logger.warn('a synchronous job was brought to where its lot is', { job_id: job.id, lot: status });
    if (status !== 'translating') this.hints.wake();
    return !ours || status !== 'translating';
  }

  private async interrupt(job: ClaimedSyncJob): Promise<void> {
    const ended = await this.database.transaction(async (tx) => {
      if (!(await this.store.fail(tx, job.id, INTERRUPTED, job.missingImages))) return false;
      return this.ender.endJob(tx, job.id, 'failed', { error: INTERRUPTED });
    });
    if (ended) this.hints.wake();
    this.logger.warn('a synchronous job was interrupted', { job_id: job.id });
  }
}
