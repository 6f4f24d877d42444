import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { Response } from 'express';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { JobStore } from '../../jobs/job-store.js';
import { SyncJobStore } from '../../jobs/sync-job-store.js';
import { handOverAfterMs } from './sync-deadline.js';
import { SyncPipeline } from './sync-pipeline.js';
import type { SyncOutcome, SyncRun, SyncWork } from './sync-run.js';

/** What ended the wait of a request for its run. */
type Waited = SyncOutcome | { readonly kind: 'handed_over' } | { readonly kind: 'hung_up' };

/** Joins a waiting request with the work on its job: whichever ends first, the other is left in order. */
@Injectable()
export class SyncRequests implements BeforeApplicationShutdown {
  private readonly logger = new Logger(SyncRequests.name);
  private readonly waiting = new Map<SyncRun, () => void>();
  private readonly running = new Set<SyncRun>();
  private stopping = false;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly pipeline: SyncPipeline,
    private readonly jobs: JobStore,
    private readonly store: SyncJobStore,
  ) {}

  /** Works on a job that nobody waits for: one that was taken over. */
  run(work: SyncWork): Promise<SyncOutcome> {
    return this.begin(work).outcome;
  }

  /**
   * Works on a job while its client waits.
   * @param receivedAt - when the request's last byte came, in milliseconds since 1970
   */
  async wait(work: SyncWork, response: Response, receivedAt: number): Promise<Waited> {
    const run = this.begin(work);
    let handOver: () => void = () => undefined;
    const late = new Promise<'late'>((resolve) => (handOver = () => resolve('late')));
    const timer = setTimeout(
      handOver,
      Math.max(0, receivedAt + handOverAfterMs(this.config.sync.timeoutSeconds) - this.clock.now()),
    );
    let onClose: () => void = () => undefined;
    const gone = new Promise<'gone'>((resolve) => (onClose = () => resolve('gone')));
    response.once('close', onClose);
    this.waiting.set(run, handOver);
    if (this.stopping) handOver();
    try {
      const first = await Promise.race([run.outcome, late, gone]);
      if (first === 'gone') {
        // A repeat of the request may have been promised the result meanwhile, by any process.
        if (!(await this.isPromised(run))) run.hangUp();
        return { kind: 'hung_up' };
      }
      if (first !== 'late') return first;
      // Committed before the 202 is sent: from here on the job survives whatever happens to this process.
      if (await this.jobs.handOver(work.jobId)) return { kind: 'handed_over' };
      return await run.outcome;
    } finally {
      clearTimeout(timer);
      response.off('close', onClose);
      this.waiting.delete(run);
    }
  }

  /** Before a repeat is answered 202: the work now goes on whoever hangs up, and ends with webhooks. */
  async promise(jobId: string): Promise<void> {
    await this.jobs.handOver(jobId);
  }

  /**
   * SIGTERM: requests in flight get SHUTDOWN_GRACE, then a 202; what still runs is given back, so that another process
   * need not wait for the lease to end. Runs before the server closes, so the answers still leave.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    if (this.running.size === 0) return;
    this.logger.log('draining synchronous requests', { waiting: this.waiting.size, running: this.running.size });
    const outcomes = Promise.all([...this.running].map((run) => run.outcome));
    await this.within(outcomes, this.config.http.shutdownGraceSeconds * 1000);
    for (const handOver of this.waiting.values()) handOver();
    while (this.waiting.size > 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([...this.running].map((run) => this.giveBack(run)));
  }

  private async isPromised(run: SyncRun): Promise<boolean> {
    if (run.answered || run.work.options.idempotent === true) return true;
    // With the database away nothing can be cancelled either: the work goes on.
    return this.jobs.isHandedOver(this.database, run.work.jobId).catch(() => true);
  }

  private begin(work: SyncWork): SyncRun {
    const run = this.pipeline.start(work);
    this.running.add(run);
    void run.outcome.finally(() => this.running.delete(run));
    return run;
  }

  private async giveBack(run: SyncRun): Promise<void> {
    run.giveBack();
    await run.outcome;
    await this.store
      .release(run.work.jobId, run.work.token)
      .catch((error: Error) => this.logger.warn('a lease was not given back', { reason: error.message }));
  }

  private async within(work: Promise<unknown>, ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([work, grace]);
    clearTimeout(timer);
  }
}
