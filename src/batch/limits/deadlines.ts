import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { JOB_LIMIT_MS } from '../../jobs/job-limit.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { deadlinesCountFrom } from '../../jobs/job-pause.js';

/** Reserved for ending a job of 50,000 lots, which takes a few minutes. */
const ENDING_MS = 5 * 60_000;
const LOT_MS = 10 * 60_000;

/** What a job's deadlines are computed from. */
type JobTimes = Pick<ShardJob, 'createdAt' | 'pausedAt' | 'pausedMs'>;

/** When a job stops waiting for OpenAI's batches, and when it stops waiting at all. The time while it is paused does not count. */
@Injectable()
export class Deadlines {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  /** True past BATCH_DEADLINE: open batches are then cancelled, and the rest is asked for through the Responses API. */
  batchesAreOver(job: JobTimes): boolean {
    return this.clock.now() >= this.countedFrom(job) + this.config.batch.deadlineSeconds * 1000;
  }

  /**
   * True a quarter of the way between the two deadlines: a batch that was told to cancel and has not ended is then
   * given up.
   */
  harvestIsOver(job: JobTimes): boolean {
    const batches = this.config.batch.deadlineSeconds * 1000;
    return this.clock.now() >= this.countedFrom(job) + batches + Math.max(0, JOB_LIMIT_MS - batches) / 4;
  }

  /** Jobs whose deadlines count from before this are past BATCH_DEADLINE. */
  get batchesCountedBefore(): Date {
    return new Date(this.clock.now() - this.config.batch.deadlineSeconds * 1000);
  }

  /** Jobs whose deadlines count from before this are past their last one: whatever is left of them is ended. */
  get everythingCountedBefore(): Date {
    return new Date(this.clock.now() - JOB_LIMIT_MS + ENDING_MS);
  }

  /**
   * When a direct request for one lot that begins now must have ended, with all its tries; in milliseconds since 1970.
   */
  lotEnds(job: JobTimes): number {
    return Math.min(this.clock.now() + LOT_MS, this.lastCallEnds(job));
  }

  /** When the last call for this job must have ended, in milliseconds since 1970. */
  lastCallEnds(job: JobTimes): number {
    return this.countedFrom(job) + JOB_LIMIT_MS - ENDING_MS;
  }

  private countedFrom(job: JobTimes): number {
    return deadlinesCountFrom(job, this.clock.now());
  }
}
