import { Injectable } from '@nestjs/common';
import { rfc3339 } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { Database, type Transaction } from '../database/database.service.js';
import { JobReader, type JobRecord } from '../jobs/job-reader.js';
import { RequestKeys, type NewRequestKey } from '../jobs/request-keys.js';
import { isTerminal } from '../jobs/states.js';
import { DeliveryHints } from '../common/work-hints.js';
import { JobEnder } from '../jobs/job-ender.js';
import type { CancelledJobDto } from './cancel.dto.js';

/** Cancels an unfinished job: against its finish, the first commit wins. */
@Injectable()
export class CancelService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly keys: RequestKeys,
    private readonly ender: JobEnder,
    private readonly hints: DeliveryHints,
  ) {}

  /**
   * @param repeat - the request's Idempotency-Key; without one the job's state tells whether it was cancelled before
   * @throws ServiceError JOB_NOT_FOUND, JOB_NOT_CANCELLABLE, and with `repeat` what claims of a key throw
   */
  async cancel(jobId: string, keyId: string, repeat: NewRequestKey | null): Promise<Cancelled> {
    const job = await this.jobs.find(jobId, keyId);
    if (isTerminal(job.status)) {
      if (repeat === null || (await this.keys.find(this.database, repeat)) === null) throw notCancellable(job);
      return { answer: answerOf(job), replayed: true };
    }
    const first = await this.database
      .transaction((tx) =>
        this.keys.once(tx, repeat, async () => {
          await flagShards(tx, job.id);
          // Finished in between: the flags must not stay on its shards.
          if (!(await this.ender.endJob(tx, job.id, 'cancelled'))) throw new FinishedFirst();
        }),
      )
      .catch((error: unknown) => {
        if (error instanceof FinishedFirst) return undefined;
        throw error;
      });
    const now = await this.jobs.find(jobId, keyId);
    if (first === undefined) throw notCancellable(now);
    this.hints.wake();
    return { answer: answerOf(now), replayed: first !== null };
  }
}

export interface Cancelled {
  readonly answer: CancelledJobDto;
  /** The request repeats one that cancelled the job. */
  readonly replayed: boolean;
}

function answerOf(job: JobRecord): CancelledJobDto {
  return {
    job_id: job.id,
    status: 'cancelled',
    cancelled_at: rfc3339(job.cancelledAt ?? job.updatedAt),
    message: 'The job is cancelled. Lots without a result read cancelled; what OpenAI had begun is billed.',
  };
}

class FinishedFirst extends Error {}

/**
 * Tells the watcher to cancel the job's batches upstream. Before the job's own row, because everyone locks lots, shards,
 * job, deliveries in this order. While a shard is claimed, next_check_at is its lease and is left alone.
 */
async function flagShards(tx: Transaction, jobId: string): Promise<void> {
  await tx.execute(
    `update openai_batches set cancel_requested = true,
       next_check_at = case when lock_token is null then least(next_check_at, clock_timestamp()) else next_check_at end
     where job_id = $1 and status not in ('done', 'cancelled')`,
    [jobId],
  );
}

function notCancellable(job: JobRecord): ServiceError {
  return new ServiceError('JOB_NOT_CANCELLABLE', `The job has ended already: it is ${job.status}.`, {
    members: { status: job.status },
  });
}
