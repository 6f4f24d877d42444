import { Injectable } from '@nestjs/common';
import { estimateLot } from '../assessment/estimate.js';
import { heldWithin, type CallBounds, type HeldCall } from '../assessment/worst-case.js';
import { Clock } from '../common/clock.js';
import { Database } from '../database/database.service.js';
import { JobStore } from '../jobs/job-store.js';
import { SpendingStore } from '../jobs/spending-store.js';
import type { UsageSum, UsageRow } from '../jobs/usage-sum.js';
import { overLimit, type Budget } from '../describe/budget.js';
import type { CountUsage } from '../describe/model-calls.js';
import { ModelSettings } from '../describe/model-settings.js';
import type { SyncRun } from './sync-run.js';

const LOOK_MS = 100;

/** Counts the calls of one run, and limits what each may hold of the job's limit. */
export interface SyncSpend {
  readonly count: CountUsage;
  /** Whether an answer has been counted. */
  readonly paid: boolean;
  /**
   * The budget of one call.
   * @param photos - the lot's number of photos for a description, 0 for a translation
   * @returns undefined when the job has no limit
   */
  budget(photos: number): Budget | undefined;
}

/**
 * The money of synchronous jobs. With max_cost_usd, each answer is counted in the job's row before the next call is
 * sent.
 */
@Injectable()
export class SyncBudgets {
  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly spending: SpendingStore,
    private readonly settings: ModelSettings,
  ) {}

  of(run: SyncRun, sum: UsageSum): SyncSpend {
    const { jobId, options } = run.work;
    const limited = options.max_cost_usd !== undefined;
    const write = (row: UsageRow) => this.database.transaction((tx) => this.jobs.addUsage(tx, jobId, [row]));
    const spend = {
      paid: false,
      count: async (row: UsageRow) => {
        spend.paid = true;
        if (limited) await write(row);
        else sum.add(row);
      },
      budget: (photos: number) => (limited ? budgetOf(photos) : undefined),
    };
    const budgetOf = (photos: number) =>
      new SyncBudget(this.clock, this.database, this.spending, run, this.later(run, photos), underWay);
    const underWay = { calls: 0 };
    return spend;
  }

  /** The expected cost of a lot's translations, in USD. */
  private later({ work }: SyncRun, photos: number): number {
    const models = this.settings.forJob(work.options);
    const others = models.toTranslate(work.languages).length;
    if (photos === 0 || others === 0) return 0;
    const info = work.lot.additionalInfo?.length ?? 0;
    const settings = models.estimate(false);
    const both = estimateLot(photos, info, others, settings).costUsd ?? 0;
    return both - (estimateLot(photos, info, 0, settings).costUsd ?? 0);
  }
}

/** The budget of one run. Its translations run side by side; a call that does not fit waits until others have ended. */
class SyncBudget implements Budget {
  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly spending: SpendingStore,
    private readonly run: SyncRun,
    private readonly laterUsd: number,
    /** Shared by all calls of the run: how many are under way. */
    private readonly underWay: { calls: number },
  ) {}

  async hold(bounds: CallBounds, mayLower: boolean): Promise<HeldCall> {
    for (;;) {
      const waits = this.underWay.calls > 0;
      const held = await this.tryToHold(bounds, mayLower && !waits);
      if (held !== null) {
        this.underWay.calls += 1;
        return held;
      }
      if (!waits) throw overLimit();
      await this.clock.sleep(LOOK_MS, this.run.signal).catch(() => this.run.signal.throwIfAborted());
    }
  }

  async giveBack(usd: number): Promise<void> {
    try {
      await this.spending.hold(this.database, this.run.work.jobId, -usd);
    } finally {
      // Also when the database fails; otherwise the calls that wait for this one would wait without end.
      this.underWay.calls -= 1;
    }
  }

  keep(): Promise<void> {
    this.underWay.calls -= 1;
    return Promise.resolve();
  }

  private async tryToHold(bounds: CallBounds, mayLower: boolean): Promise<HeldCall | null> {
    const { jobId, options } = this.run.work;
    return this.database.transaction(async (tx) => {
      const spending = await this.spending.lock(tx, jobId);
      // The job was cancelled or has ended: the next write of the run will notice it.
      if (spending === undefined) return null;
      const free = (options.max_cost_usd ?? Infinity) - spending.costUsd - spending.reservedUsd;
      // Leave room for the translations first; only if that does not fit is the answer's room lowered.
      const held = heldWithin(bounds, free - this.laterUsd, false) ?? heldWithin(bounds, free, mayLower);
      if (held === null) return null;
      await this.spending.hold(tx, jobId, held.usd);
      return held;
    });
  }
}
