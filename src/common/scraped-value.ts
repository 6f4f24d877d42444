import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { orAbort } from './abort-signals.js';
import { RecentValue } from './recent-value.js';

/** One query serves everybody who reads the metrics within this many milliseconds. */
const CACHE_MS = 5000;
/** The longest wait for that query, in milliseconds: if the database hangs, the other metrics must still be shown. */
const LOOK_MS = 3000;

/**
 * Figures that are looked up in the database when the metrics are read, at most every five seconds. Every process shows
 * the same ones, as any of them may be asked.
 */
export abstract class ScrapedValue<T> implements OnModuleDestroy {
  private readonly logger = new Logger(this.constructor.name);
  private readonly recent = new RecentValue(CACHE_MS, () => this.lookInTime());
  private stopped = false;

  onModuleDestroy(): void {
    this.stopped = true;
  }

  /** The figures, or undefined while the database does not answer; never rejects. */
  async get(): Promise<T | undefined> {
    return this.stopped ? undefined : this.recent.get();
  }

  protected abstract look(): Promise<T>;

  private async lookInTime(): Promise<T | undefined> {
    try {
      return await orAbort(this.look(), AbortSignal.timeout(LOOK_MS));
    } catch (error) {
      this.logger.warn('figures for the metrics could not be read', { reason: (error as Error).message });
      return undefined;
    }
  }
}
