import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { orAbort } from '../common/abort-signals.js';
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

  /** @returns seconds, or undefined while the database does not answer; never rejects */
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
