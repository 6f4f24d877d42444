import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock, DAY_MS } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { PartitionStore } from '../../jobs/partition-store.js';
import { RetentionStore } from '../../jobs/retention-store.js';
import { idsOf, isPast, type IdSpan } from '../../jobs/weeks.js';
import { NOTHING_LEFT } from './retention.js';

/** Jobs that are hidden in one transaction. */
const STEP_JOBS = 500;

/** Drops the partitions of weeks all of whose jobs are older than RETENTION_DAYS and have nothing left to deliver or to remove. */
@Injectable()
export class PastWeeks {
  private readonly logger = new Logger(PastWeeks.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly partitions: PartitionStore,
    private readonly jobs: RetentionStore,
  ) {}

  /**
   * Their rows in other tables are removed afterwards, as those of any old job: the jobs are hidden first, so that no client sees one
   * without its lots.
   */
  async drop(signal: AbortSignal): Promise<void> {
    const now = this.clock.now();
    const keptMs = this.config.jobs.retentionDays * DAY_MS;
    for (const { table, partitions } of await this.partitions.layouts()) {
      for (const { name, span } of partitions) {
        if (signal.aborted) return;
        if (span === null || !isPast(span, now, keptMs)) continue;
        if (!(await this.hideAll(idsOf(span), new Date(now - keptMs), signal))) continue;
        const { heldMs } = await this.partitions.drop(table, name, signal);
        this.logger.log('a week was dropped', { partition: name, held_ms: heldMs });
      }
    }
  }

  /** @returns false when some job has to stay; then others may be hidden, which are old enough to be removed in any case */
  private async hideAll(ids: IdSpan, before: Date, signal: AbortSignal): Promise<boolean> {
    // Looked for from the end, where those that end last are.
    if (await this.jobs.hasYounger(this.database, ids, before)) return false;
    let after: string | undefined = ids.from;
    while (after !== undefined) {
      if (signal.aborted) return false;
      const from: string = after;
      after = await this.database.transaction(async (tx) => {
        const shown = await this.jobs.lockShown(tx, { ...ids, from }, before, STEP_JOBS);
        await this.jobs.hide(tx, await this.jobs.withNothingLeft(tx, shown, NOTHING_LEFT));
        return shown.at(-1);
      });
    }
    return !(await this.jobs.hasShown(this.database, ids));
  }
}
