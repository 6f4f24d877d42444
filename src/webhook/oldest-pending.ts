import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ScrapedValue } from '../common/scraped-value.js';
import { ClaimStore } from './claim-store.js';
import { showOldestPending } from './webhook-metrics.js';

/** Measures for how long the oldest waiting webhook has been due, in seconds. */
@Injectable()
export class OldestPending extends ScrapedValue<number> implements OnModuleInit {
  constructor(
    private readonly clock: Clock,
    private readonly claims: ClaimStore,
  ) {
    super();
  }

  onModuleInit(): void {
    showOldestPending(() => this.get());
  }

  protected async look(): Promise<number> {
    const now = this.clock.date();
    const oldest = await this.claims.oldestDue(now);
    return oldest === null ? 0 : (now.getTime() - oldest.getTime()) / 1000;
  }
}
