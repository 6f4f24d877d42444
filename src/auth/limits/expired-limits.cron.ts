import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { LimitStore } from './limit-store.js';

/** Removes what no longer counts, with RATE_LIMIT_STORE=memory too: then rows are left from before. */
@Injectable()
export class ExpiredLimitsCron implements OnModuleDestroy {
  private readonly logger = new Logger(ExpiredLimitsCron.name);
  private stopped = false;

  constructor(private readonly store: LimitStore) {}

  @Cron('35 3-53/10 * * * *', { name: 'limits-sweep', waitForCompletion: true })
  async sweep(): Promise<void> {
    if (this.stopped) return;
    try {
      await this.store.sweep();
    } catch (error) {
      this.logger.warn('expired limits could not be removed', { reason: (error as Error).message });
    }
  }

  onModuleDestroy(): void {
    this.stopped = true;
  }
}
