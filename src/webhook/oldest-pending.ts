import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { orAbort } from '../common/abort-signals.js';
import { ClaimStore } from './claim-store.js';
import { showOldestPending } from './webhook-metrics.js';

/** One look at the database serves all who read the metrics within so many milliseconds. */
const CACHE_MS = 5000;
/** A database that hangs must not take the other metrics with it: Prometheus waits ten seconds. */
const LOOK_MS = 3000;

/** How long the webhook that has waited longest has been due. Every process shows it, since any may be the one that is asked. */
@Injectable()
export class OldestPending implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(OldestPending.name);
  private stopped = false;
  private cached: { readonly at: number; readonly seconds: Promise<number | undefined> } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly claims: ClaimStore,
  ) {}

  onModuleInit(): void {
    showOldestPending(() => this.seconds());
  }

  onModuleDestroy(): void {
    this.stopped = true;
  }

  /** @returns undefined while the database cannot say; never rejects */
  private async seconds(): Promise<number | undefined> {
    if (this.stopped) return undefined;
    const now = performance.now();
    if (this.cached === undefined || now - this.cached.at > CACHE_MS) {
      this.cached = { at: now, seconds: this.look() };
    }
    return this.cached.seconds;
  }

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
