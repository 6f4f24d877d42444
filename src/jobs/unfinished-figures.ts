import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ScrapedValue } from '../common/scraped-value.js';
import { JobCountsStore, type UnfinishedWork } from './job-counts-store.js';
import { showUnfinished } from './job-metrics.js';

/** Shows in the metrics what the whole service has in hand. */
@Injectable()
export class UnfinishedFigures extends ScrapedValue<UnfinishedWork> implements OnModuleInit {
  constructor(private readonly counts: JobCountsStore) {
    super();
  }

  onModuleInit(): void {
    showUnfinished(() => this.get());
  }

  protected look(): Promise<UnfinishedWork> {
    return this.counts.unfinished();
  }
}
