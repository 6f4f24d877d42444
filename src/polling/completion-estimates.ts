import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { WorkerPresence } from '../health/worker-presence.js';
import { estimateCompletion } from '../jobs/job-progress.js';
import type { JobRecord } from '../jobs/job-columns.js';

/** Both are read into the same answers, so that no two of them tell different times. */
@Injectable()
export class CompletionEstimates {
  constructor(
    private readonly workers: WorkerPresence,
    private readonly clock: Clock,
  ) {}

  /** When the job is likely to end; null where its pace says nothing, has proved wrong, or nobody is there to keep it. */
  async of(job: JobRecord): Promise<Date | null> {
    const estimate = estimateCompletion(job);
    if (estimate === null || estimate.getTime() <= this.clock.now()) return null;
    return (await this.workers.isThere()) ? estimate : null;
  }
}
