import { Injectable } from '@nestjs/common';
import { JobShardStore } from '../batch/shards/job-shard-store.js';
import { rfc3339 } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { Database } from '../database/database.service.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { JobReader } from '../jobs/job-reader.js';
import { RequestKeyStore, type NewRequestKey } from '../jobs/request-key-store.js';
import { isTerminal } from '../jobs/states.js';
import { DeliveryHints } from '../common/work-hints.js';
import { JobEnder } from '../jobs/job-ender.js';
import type { CancelledJobDto } from './cancel.dto.js';

/** Cancels an unfinished job. If it finishes at the same time, the first commit wins. */
@Injectable()
export class CancelService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly keys: RequestKeyStore,
    private readonly shards: JobShardStore,
    private readonly ender: JobEnder,
    private readonly hints: DeliveryHints,
  ) {}

  /**
   * @param repeat - the request's Idempotency-Key; without one, the job's state tells whether it was cancelled before
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
          await this.shards.cancel(tx, job.id);
          // The job finished in between, so the cancel flags must not stay on its shards.
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
  /** Whether the request repeats one that cancelled the job. */
  readonly replayed: boolean;
}

function answerOf(job: JobRecord): CancelledJobDto {
  return {
    job_id: job.id,
    status: 'cancelled',
    cancelled_at: rfc3339(job.cancelledAt ?? job.updatedAt),
    message:
      'The job is cancelled. Lots without a result have the status cancelled; work that OpenAI had begun is billed.',
  };
}

class FinishedFirst extends Error {}

function notCancellable(job: JobRecord): ServiceError {
  return new ServiceError('JOB_NOT_CANCELLABLE', `The job has already ended; its status is ${job.status}.`, {
    members: { status: job.status },
  });
}
