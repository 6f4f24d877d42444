import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { orAbort } from '../common/abort-signals.js';
import { RecentValue } from '../common/recent-value.js';
import { ClaimStore } from './claim-store.js';
import { showOldestPending } from './webhook-metrics.js';

/** One query serves everybody who reads the metrics within this many milliseconds. */
const CACHE_MS = 5000;
/** The longest wait for that query, in milliseconds: if the database hangs, the other metrics must still be shown. */
const LOOK_MS = 3000;

/**
 * Measures for how long the oldest waiting webhook has been due. Every process shows it, as any of them may be asked.
 */
@Injectable()
export class OldestPending implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(OldestPending.name);
  private stopped = false;
  private readonly seconds = new RecentValue(CACHE_MS, () => this.look());

  constructor(
    private readonly clock: Clock,
    private readonly claims: ClaimStore,
  ) {}

  onModuleInit(): void {
    showOldestPending(async () => (this.stopped ? undefined : this.seconds.get()));
  }

  onModuleDestroy(): void {
    this.stopped = true;
  }

  /** @returns seconds, or undefined while the database does not answer; never rejects */
  private async look(): Promise<number | undefined> {
    const now = this.clock.date();
    try {
      const oldest = await orAbort(this.claims.oldestDue(now), AbortSignal.timeout(LOOK_MS));
      return oldest === null ? 0 : (now.getTime() - oldest.getTime()) / 1000;
    } catch (error) {
      this.logger.warn('waiting webhooks could not be measured', { reason: (error as Error).message });
      return undefined;
    }
  }
}
