import { Injectable, Logger } from '@nestjs/common';
import { Clock, DAY_MS } from '../../common/clock.js';
import { OrphanLotStore, type Window } from '../../jobs/orphan-lot-store.js';

const HOUR_MS = 60 * 60 * 1000;
/** Younger ones may be in the middle of being accepted. */
const YOUNGEST_MS = HOUR_MS;
/** How far the first look of a process goes back; each further one begins where the one before ended. */
const FIRST_LOOK_MS = DAY_MS;
/** How many jobs are looked for at once. */
const PAGE_JOBS = 1000;
/** Rows that one statement removes. */
const STEP_ROWS = 2000;

/**
 * Removes lots without a job. Where lots lie on another server than jobs, that server commits first: if the jobs' server dies before it
 * commits too, the lots of a request stay behind, and nobody knows of them. Its client got no answer and sends it again.
 */
@Injectable()
export class OrphanedLots {
  private readonly logger = new Logger(OrphanedLots.name);
  private lookedUntil: number | undefined;
  /** Found by the look before. Only what is still without a job then is removed. */
  private suspects: readonly string[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly lots: OrphanLotStore,
  ) {}

  /** One look: what the one before found is removed, and what is new is found. */
  async sweep(signal: AbortSignal): Promise<void> {
    for (const id of await this.lots.withoutJob(this.suspects)) await this.remove(id, signal);
    const to = this.clock.now() - YOUNGEST_MS;
    const from = this.lookedUntil ?? to - FIRST_LOOK_MS;
    this.suspects = await this.find({ from, to }, signal);
    this.lookedUntil = to;
  }

  /** An hour at a time: a statement over a whole day would look at every lot of it before the first page. */
  private async find({ from, to }: Window, signal: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    for (let start = from; start < to; start += HOUR_MS) {
      const window = { from: start, to: Math.min(to, start + HOUR_MS) };
      for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
        signal.throwIfAborted();
        const ids = await this.lots.jobsWithLots(window, after, PAGE_JOBS);
        found.push(...(await this.lots.withoutJob(ids)));
        if (ids.length < PAGE_JOBS) break;
        after = ids[ids.length - 1] as string;
      }
    }
    return found;
  }

  private async remove(jobId: string, signal: AbortSignal): Promise<void> {
    let rows = 0;
    for (let removed = -1; removed !== 0; rows += removed) {
      signal.throwIfAborted();
      removed = await this.lots.removeSome(jobId, STEP_ROWS);
    }
    this.logger.warn('lots without a job were removed', { job_id: jobId, rows });
  }
}
