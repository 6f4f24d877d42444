import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { JOB_LIMIT_MS } from '../../jobs/job-limit.js';
import type { ShardJob } from '../../jobs/job-columns.js';

/** What ends a job needs a few minutes itself for 50,000 lots. */
const ENDING_MS = 5 * 60_000;
const LOT_MS = 10 * 60_000;

/** When a job stops waiting for OpenAI's batches, and when it stops waiting at all. */
@Injectable()
export class Deadlines {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  /** Past BATCH_DEADLINE: open batches are cancelled and the rest goes straight through the Responses API. */
  batchesAreOver(job: Pick<ShardJob, 'createdAt'>): boolean {
    return this.clock.now() >= job.createdAt.getTime() + this.config.batch.deadlineSeconds * 1000;
  }

  /** A batch that was told to cancel and does not end is given up a quarter of the way between the two deadlines. */
  harvestIsOver(job: Pick<ShardJob, 'createdAt'>): boolean {
    const batches = this.config.batch.deadlineSeconds * 1000;
    return this.clock.now() >= job.createdAt.getTime() + batches + Math.max(0, JOB_LIMIT_MS - batches) / 4;
  }

  /** Jobs accepted before these have passed their deadline; the second ends whatever is left. */
  get batchesAcceptedBefore(): Date {
    return new Date(this.clock.now() - this.config.batch.deadlineSeconds * 1000);
  }

  get everythingAcceptedBefore(): Date {
    return new Date(this.clock.now() - JOB_LIMIT_MS + ENDING_MS);
  }

  /** Milliseconds since 1970: until then one lot of this job may take that is asked for directly now, all tries included. */
  lotEnds(job: Pick<ShardJob, 'createdAt'>): number {
    return Math.min(this.clock.now() + LOT_MS, this.lastCallEnds(job));
  }

  /** Milliseconds since 1970: no call for this job may go on after it. */
  lastCallEnds(job: Pick<ShardJob, 'createdAt'>): number {
    return job.createdAt.getTime() + JOB_LIMIT_MS - ENDING_MS;
  }
}
