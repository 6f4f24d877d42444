import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { BatchHints } from '../../common/work-hints.js';
import { JobPauses } from '../shards/job-pauses.js';
import { KeyUsageStore } from '../../jobs/key-usage-store.js';
import { Partitions } from '../../jobs/partitions.js';
import { OrphanedFiles } from './orphaned-files.js';
import { OrphanedLots } from './orphaned-lots.js';
import { OverdueJobs } from './overdue-jobs.js';
import { QueueWatch } from '../limits/queue-watch.js';
import { PastWeeks } from './past-weeks.js';
import { Retention } from './retention.js';

/**
 * Work that no shard triggers: deadlines every second, usage every ten, old jobs and partitions every minute, orphaned files and
 * lots every hour.
 */
@Injectable()
export class UpkeepCron implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(UpkeepCron.name);
  private readonly underWay = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly hints: BatchHints,
    private readonly pauses: JobPauses,
    private readonly overdue: OverdueJobs,
    private readonly retention: Retention,
    private readonly pastWeeks: PastWeeks,
    private readonly partitions: Partitions,
    private readonly orphans: OrphanedFiles,
    private readonly orphanedLots: OrphanedLots,
    private readonly queue: QueueWatch,
    private readonly usage: KeyUsageStore,
  ) {}

  @Cron('* * * * * *', { name: 'batch-deadlines', waitForCompletion: true })
  deadlines(): Promise<void> {
    return this.run('deadlines', async () => {
      await this.pauses.resumeUsedUp();
      if ((await this.overdue.hurry()) > 0) this.hints.wake();
      await this.overdue.end();
    });
  }

  @Cron('15 * * * * *', { name: 'batch-retention', waitForCompletion: true })
  removeOld(): Promise<void> {
    return this.run('retention', async () => {
      // Before the rest: what goes with its week needs no removal row by row.
      await this.pastWeeks.drop(this.stopping.signal);
      while (!this.stopping.signal.aborted && (await this.retention.step()));
    });
  }

  @Cron('35 * * * * *', { name: 'batch-weeks', waitForCompletion: true })
  keepWeeks(): Promise<void> {
    return this.run('weeks', () => this.partitions.keep(this.stopping.signal));
  }

  @Cron('5,25,45 * * * * *', { name: 'batch-queue', waitForCompletion: true })
  watchQueue(): Promise<void> {
    return this.run('queue', () => this.queue.look());
  }

  @Cron('7-57/10 * * * * *', { name: 'usage-sums', waitForCompletion: true })
  sumUsage(): Promise<void> {
    return this.run('usage', async () => {
      while (!this.stopping.signal.aborted && (await this.usage.fold()));
    });
  }

  @Cron('40 17 * * * *', { name: 'batch-orphaned-files', waitForCompletion: true })
  removeOrphans(): Promise<void> {
    return this.run('orphaned files', () => this.orphans.sweep(this.stopping.signal));
  }

  @Cron('20 41 * * * *', { name: 'batch-orphaned-lots', waitForCompletion: true })
  removeOrphanedLots(): Promise<void> {
    return this.run('orphaned lots', () => this.orphanedLots.sweep(this.stopping.signal));
  }

  onModuleDestroy(): void {
    this.stopping.abort(new Error('the process is stopping'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async run(name: string, work: () => Promise<void>): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const running = work()
      .catch((error: Error) => {
        if (!this.stopping.signal.aborted) this.logger.warn('upkeep failed', { name, reason: error.message });
      })
      .finally(() => this.underWay.delete(running));
    this.underWay.add(running);
    await running;
  }
}
