import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { WorkerPresence } from '../health/worker-presence.js';
import { estimateCompletion } from '../jobs/job-progress.js';
import type { JobRecord } from '../jobs/job-columns.js';

/** How long the two inputs are kept, so that answers at the same time show the same estimate. */
@Injectable()
export class CompletionEstimates {
  constructor(
    private readonly workers: WorkerPresence,
    private readonly clock: Clock,
  ) {}

  /**
   * When the job is likely to end; null when there is no pace yet, when the estimate has already passed, or when no
   * worker is running.
   */
  async of(job: JobRecord): Promise<Date | null> {
    const estimate = estimateCompletion(job);
    if (estimate === null || estimate.getTime() <= this.clock.now()) return null;
    return (await this.workers.isThere()) ? estimate : null;
  }
}
