import { Injectable } from '@nestjs/common';
import { JobPauses, type PauseOutcome } from '../batch/shards/job-pauses.js';
import { BatchHints } from '../common/work-hints.js';
import { Database, type Transaction } from '../database/database.service.js';
import { JobReader } from '../jobs/job-reader.js';
import { RequestKeyStore, type NewRequestKey } from '../jobs/request-key-store.js';
import { pauseAnswer } from './pause-body.js';
import { notPausable, type PauseRefused } from './pause-refusals.js';
import type { PausedJobDto } from './pause.dto.js';

export interface PauseRequest {
  readonly jobId: string;
  readonly keyId: string;
  /** The request's Idempotency-Key; without one, a late repeat is done as if it were new. */
  readonly repeat: NewRequestKey | null;
}

export interface PauseAnswer {
  readonly answer: PausedJobDto;
  /** Whether the request repeats one with the same Idempotency-Key: nothing was done then. */
  readonly replayed: boolean;
}

/** Sets and clears the client's pause of a job. If the job ends at the same time, the first commit wins. */
@Injectable()
export class PauseService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly keys: RequestKeyStore,
    private readonly pauses: JobPauses,
    private readonly hints: BatchHints,
  ) {}

  /** @throws ServiceError JOB_NOT_FOUND, JOB_NOT_PAUSABLE, and with `repeat` what claims of a key throw */
  pause(request: PauseRequest): Promise<PauseAnswer> {
    return this.change(request, (tx, jobId) => this.pauses.pause(tx, jobId, { by: 'client' }));
  }

  /** @throws ServiceError as {@link pause} does */
  async resume(request: PauseRequest): Promise<PauseAnswer> {
    const answer = await this.change(request, (tx, jobId) => this.pauses.resume(tx, jobId, 'client'));
    this.hints.wake();
    return answer;
  }

  private async change(
    { jobId, keyId, repeat }: PauseRequest,
    change: (tx: Transaction, jobId: string) => Promise<PauseOutcome>,
  ): Promise<PauseAnswer> {
    const { id } = await this.jobs.find(jobId, keyId);
    try {
      const first = await this.database.transaction((tx) =>
        this.keys.once(tx, repeat, async () => {
          const outcome = await change(tx, id);
          // The key must not be remembered for a request that did nothing.
          if (outcome !== 'changed' && outcome !== 'unchanged') throw new Refused(outcome);
        }),
      );
      return { answer: pauseAnswer(await this.jobs.find(id, keyId)), replayed: first !== null };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // A job that is gone is not found here.
      throw notPausable(await this.jobs.find(id, keyId), error.outcome);
    }
  }
}

class Refused extends Error {
  constructor(readonly outcome: PauseRefused) {
    super(outcome);
  }
}
