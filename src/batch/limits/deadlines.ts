import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { JOB_LIMIT_MS } from '../../jobs/job-limit.js';
import type { ShardJob } from '../../jobs/job-columns.js';

/** Reserved for ending a job of 50,000 lots, which takes a few minutes. */
const ENDING_MS = 5 * 60_000;
const LOT_MS = 10 * 60_000;

/** When a job stops waiting for OpenAI's batches, and when it stops waiting at all. */
@Injectable()
export class Deadlines {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  /** True past BATCH_DEADLINE: open batches are then cancelled, and the rest is asked for through the Responses API. */
  batchesAreOver(job: Pick<ShardJob, 'createdAt'>): boolean {
    return this.clock.now() >= job.createdAt.getTime() + this.config.batch.deadlineSeconds * 1000;
  }

  /**
   * True a quarter of the way between the two deadlines: a batch that was told to cancel and has not ended is then
   * given up.
   */
  harvestIsOver(job: Pick<ShardJob, 'createdAt'>): boolean {
    const batches = this.config.batch.deadlineSeconds * 1000;
    return this.clock.now() >= job.createdAt.getTime() + batches + Math.max(0, JOB_LIMIT_MS - batches) / 4;
  }

  /** Jobs that were accepted before this are past BATCH_DEADLINE. */
  get batchesAcceptedBefore(): Date {
    return new Date(this.clock.now() - this.config.batch.deadlineSeconds * 1000);
  }

  /** Jobs that were accepted before this are past their last deadline: whatever is left of them is ended. */
  get everythingAcceptedBefore(): Date {
    return new Date(this.clock.now() - JOB_LIMIT_MS + ENDING_MS);
  }

  /**
   * When a direct request for one lot that begins now must have ended, with all its tries; in milliseconds since 1970.
   */
  lotEnds(job: Pick<ShardJob, 'createdAt'>): number {
    return Math.min(this.clock.now() + LOT_MS, this.lastCallEnds(job));
  }

  /** When the last call for this job must have ended, in milliseconds since 1970. */
  lastCallEnds(job: Pick<ShardJob, 'createdAt'>): number {
    return job.createdAt.getTime() + JOB_LIMIT_MS - ENDING_MS;
  }
}
