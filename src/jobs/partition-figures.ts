import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock, DAY_MS } from '../common/clock.js';
import { ScrapedValue } from '../common/scraped-value.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { showPartitions, type PartitionState } from './partition-metrics.js';
import { Partitions } from './partitions.js';
import { dueMs } from './weeks.js';

/** Shows in the metrics how the weekly partitions stand, where there are some. */
@Injectable()
export class PartitionFigures extends ScrapedValue<PartitionState | undefined> implements OnModuleInit {
  constructor(
    @Inject(APP_CONFIG) private readonly config: { readonly jobs: Pick<AppConfig['jobs'], 'retentionDays'> },
    private readonly clock: Clock,
    private readonly partitions: Partitions,
  ) {
    super();
  }

  onModuleInit(): void {
    showPartitions(() => this.get());
  }

  protected async look(): Promise<PartitionState | undefined> {
    const { tables } = await this.partitions.overview();
    const ahead = tables.flatMap(({ weeksAhead }) => weeksAhead ?? []);
    if (ahead.length === 0) return undefined;
    const keptMs = this.config.jobs.retentionDays * DAY_MS;
    const due = tables.flatMap(({ partitions }) =>
      partitions.map(({ span }) => (span === null ? 0 : dueMs(span, this.clock.now(), keptMs))),
    );
    return {
      weeksAhead: Math.min(...ahead),
      outside: tables.filter(({ outside }) => outside).length,
      dueSeconds: Math.max(0, ...due) / 1000,
    };
  }
}
