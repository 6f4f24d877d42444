import { Injectable, Logger } from '@nestjs/common';
import { Database, type Transaction } from '../../database/database.service.js';
import { countMoves } from '../../jobs/job-metrics.js';
import { JobRecountStore } from '../../jobs/job-recount-store.js';
import { JobStore } from '../../jobs/job-store.js';
import { hasMoves, type LotMoves } from '../../jobs/lot-moves.js';
import { finalStatus } from '../../jobs/states.js';
import { DeliveryHints } from '../../common/work-hints.js';
import { JobEnder } from '../../jobs/job-ender.js';
import { ProgressEvents } from '../../webhook/progress-events.js';
import { JobEndedError } from './job-ended.js';

/**
 * Advances the job's counters as the last statement of a transaction that moved lots. The transaction that reaches the
 * total ends the job.
 */
@Injectable()
export class JobAdvance {
  private readonly logger = new Logger(JobAdvance.name);

  constructor(
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly recounts: JobRecountStore,
    private readonly ender: JobEnder,
    private readonly progress: ProgressEvents,
    private readonly hints: DeliveryHints,
  ) {}

  /**
   * Runs `work` in one transaction and adds the moves that it returns (null: none) to the job.
   * @returns true when this ended the job
   * @throws JobEndedError when the job had ended before; nothing was written then
   */
  async commit(jobId: string, work: (tx: Transaction) => Promise<LotMoves | null>): Promise<boolean> {
    let moves: LotMoves | null = null;
    const ended = await this.database.transaction(async (tx) => {
      moves = await work(tx);
      if (moves === null || !hasMoves(moves)) return false;
      const job = await this.jobs.advance(tx, jobId, moves);
      if (job === null) throw new JobEndedError('the job has ended');
      if (!job.finished) {
        await this.progress.record(tx, jobId);
        return false;
      }
      if (!(await this.ender.endJob(tx, jobId, finalStatus({ processed: job.processedLots })))) {
        throw new JobEndedError('the job has ended');
      }
      return true;
    });
    if (moves !== null) countMoves(moves);
    if (ended) this.hints.wake();
    return ended;
  }

  /**
   * Sets the job's counters right from its lots, after a transaction may have been committed in part; ends the job if they have all
   * ended. Does nothing for a job that has ended.
   */
  async recount(jobId: string): Promise<void> {
    let changed = false;
    const ended = await this.database.transaction(async (tx) => {
      const job = await this.recounts.recount(tx, jobId);
      if (job === null) return false;
      ({ changed } = job);
      if (job.finished) return this.ender.endJob(tx, jobId, finalStatus({ processed: job.processedLots }));
      if (changed) await this.progress.record(tx, jobId);
      return false;
    });
    if (changed) this.logger.warn("a job's counters were set right from its lots", { job_id: jobId });
    if (ended) this.hints.wake();
  }
}
