import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { BatchHints } from '../../common/work-hints.js';
import { Database, type Transaction } from '../../database/database.service.js';
import { JobPauseStore } from '../../jobs/job-pause-store.js';
import {
  judgePause,
  judgeResume,
  pausedMsUntil,
  type Pause,
  type Pauser,
  type PauseRefusal,
} from '../../jobs/job-pause.js';
import { ProgressEvents } from '../../webhook/progress-events.js';
import { JobShardStore } from './job-shard-store.js';

/** `unchanged`: a repeat, or nothing to resume. */
export type PauseOutcome = 'changed' | 'unchanged' | 'no_such_job' | PauseRefusal;

const JOBS_AT_ONCE = 10;

/**
 * Pauses and resumes jobs, for clients and for operators. Claims leave the shards of a paused job alone, and a stage
 * that is under way ends its step and looks here before the next. So nothing is written to the shards when a pause
 * begins; when it ends, they have waited for as much less.
 */
@Injectable()
export class JobPauses {
  private readonly logger = new Logger(JobPauses.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: JobPauseStore,
    private readonly shards: JobShardStore,
    private readonly progress: ProgressEvents,
    private readonly hints: BatchHints,
  ) {}

  /**
   * Sets the client's flag, or the operator's. An operator's later reason does not replace the first.
   * @returns a refusal when nothing was changed and nothing can be
   */
  async pause(tx: Transaction, jobId: string, pause: Pause): Promise<PauseOutcome> {
    const job = await this.jobs.lock(tx, jobId);
    if (job === undefined) return 'no_such_job';
    const verdict = judgePause(job, pause.by);
    if (verdict !== null) return verdict;
    await this.jobs.pause(tx, jobId, pause, this.clock.date());
    await this.progress.record(tx, jobId);
    return 'changed';
  }

  /**
   * Clears the flag of one of the two, or both; the job goes on when none is left. Call `BatchHints.wake()` after the
   * commit.
   */
  async resume(tx: Transaction, jobId: string, by: Pauser | 'all'): Promise<PauseOutcome> {
    // All transactions lock shards before the job.
    await this.shards.lock(tx, jobId);
    const job = await this.jobs.lock(tx, jobId);
    if (job === undefined) return 'no_such_job';
    const left = judgeResume(job, by);
    if (typeof left === 'string') return left;
    if (left.client === job.pausedByClient && left.operator === job.pausedByOperator) return 'unchanged';
    const now = this.clock.date();
    if (by !== 'all' && (left.client || left.operator)) {
      await this.jobs.clear(tx, jobId, by, now);
    } else {
      const pausedMs = pausedMsUntil(job, now.getTime()) - job.pausedMs;
      await this.shards.forgetPause(tx, jobId, pausedMs, now);
      await this.jobs.resume(tx, jobId, now);
    }
    await this.progress.record(tx, jobId);
    return 'changed';
  }

  /** Resumes jobs that have been paused as long as a job may be, whoever paused them. */
  async resumeUsedUp(): Promise<void> {
    for (const jobId of await this.jobs.usedUp(this.clock.date(), JOBS_AT_ONCE)) {
      const outcome = await this.database.transaction((tx) => this.resume(tx, jobId, 'all'));
      if (outcome !== 'changed') continue;
      this.logger.warn('a job was paused for as long as a job may be, and goes on', { job_id: jobId });
      this.hints.wake();
    }
  }
}
