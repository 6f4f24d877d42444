import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { Response } from 'express';
import { Clock } from '../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { JobStore } from '../jobs/job-store.js';
import { SyncJobStore } from '../jobs/sync-job-store.js';
import { SyncPipeline } from './sync-pipeline.js';
import type { SyncOutcome, SyncRun, SyncWork } from './sync-run.js';

/** Seconds before SYNC_TIMEOUT at which a request is handed over: a client that waits as long still gets the 202. */
const MARGIN_SECONDS = 5;

/**
 * Milliseconds from the request's last byte to the hand-over. A timeout too short for the margin keeps half of itself.
 */
function handOverAfterMs(syncTimeoutSeconds: number): number {
  return 1000 * Math.max(syncTimeoutSeconds - MARGIN_SECONDS, syncTimeoutSeconds / 2);
}

/** Why a request stopped waiting for its run. */
type Waited = SyncOutcome | { readonly kind: 'handed_over' } | { readonly kind: 'hung_up' };

/** Connects a waiting request with the work on its job, and cleans up when either of them ends. */
@Injectable()
export class SyncRequests implements BeforeApplicationShutdown {
  private readonly logger = new Logger(SyncRequests.name);
  private readonly handOvers = new Set<() => void>();
  private readonly waits = new Set<Promise<unknown>>();
  private readonly running = new Set<SyncRun>();
  /**
   * Set when the process is ending: when runs that have not ended are given back, in milliseconds of this process's
   * clock.
   */
  private graceEndsAt: number | undefined;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly pipeline: SyncPipeline,
    private readonly jobs: JobStore,
    private readonly store: SyncJobStore,
  ) {}

  /** Works on a job that was taken over, for which no client waits. */
  run(work: SyncWork): Promise<SyncOutcome> {
    return this.begin(work).outcome;
  }

  /**
   * Works on a job while its client waits.
   * @param receivedAt - when the request's last byte came, in milliseconds since 1970
   */
  wait(work: SyncWork, response: Response, receivedAt: number): Promise<Waited> {
    const waited = this.waitFor(this.begin(work), response, receivedAt).finally(() => this.waits.delete(waited));
    this.waits.add(waited);
    return waited;
  }

  /**
   * Call before a repeat is answered. From here the job is finished even if the client disconnects; its result goes out
   * by webhook.
   * @returns false when the job was cancelled meanwhile, so that there is nothing to repeat
   */
  async promise(jobId: string): Promise<boolean> {
    return (await this.jobs.handOver(jobId)) || (await this.jobs.stands(jobId));
  }

  /**
   * Drains after SIGTERM. Requests in flight, and those that still come, get the rest of SHUTDOWN_GRACE and then a 202.
   * Jobs that are still running are given back, so that another process need not wait for the lease to end. This runs
   * before the server closes, so that the answers are still sent.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.graceEndsAt = this.clock.now() + this.config.http.shutdownGraceSeconds * 1000;
    if (this.running.size === 0) return;
    this.logger.log('draining synchronous requests', { waiting: this.waits.size, running: this.running.size });
    // It loops, because a new request may come while others end.
    for (let left = this.graceLeft(); this.running.size > 0 && left > 0; left = this.graceLeft()) {
      await this.within(Promise.all([...this.running].map((run) => run.outcome)), left);
    }
    for (const handOver of this.handOvers) handOver();
    await Promise.allSettled(this.waits);
    await Promise.all([...this.running].map((run) => this.giveBack(run)));
  }

  private async waitFor(run: SyncRun, response: Response, receivedAt: number): Promise<Waited> {
    let handOver: () => void = () => undefined;
    const late = new Promise<'late'>((resolve) => (handOver = () => resolve('late')));
    const patience = receivedAt + handOverAfterMs(this.config.sync.timeoutSeconds) - this.clock.now();
    const timer = setTimeout(handOver, Math.max(0, Math.min(patience, this.graceLeft())));
    let onClose: () => void = () => undefined;
    const gone = new Promise<'gone'>((resolve) => (onClose = () => resolve('gone')));
    response.once('close', onClose);
    this.handOvers.add(handOver);
    try {
      const first = await Promise.race([run.outcome, late, gone]);
      if (first === 'gone') {
        await this.pipeline.hangUp(run);
        return { kind: 'hung_up' };
      }
      if (first !== 'late') return first;
      // Committed before the 202 is sent: from here on the job survives the end of this process.
      if (!(await this.jobs.handOver(run.work.jobId))) return await run.outcome;
      // The request came too late for the drain to see it.
      if (this.graceLeft() <= 0) await this.giveBack(run);
      return { kind: 'handed_over' };
    } finally {
      clearTimeout(timer);
      response.off('close', onClose);
      this.handOvers.delete(handOver);
    }
  }

  /** The rest of the grace time in milliseconds; Infinity while the process is not ending. */
  private graceLeft(): number {
    return this.graceEndsAt === undefined ? Infinity : this.graceEndsAt - this.clock.now();
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
      .catch((error: Error) =>
        this.logger.warn('the lease of a job could not be given back', { reason: error.message }),
      );
  }

  private async within(work: Promise<unknown>, ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([work, grace]);
    clearTimeout(timer);
  }
}
