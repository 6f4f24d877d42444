import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { isPassing } from '../common/database-away.js';
import type { ReceiverCount } from './claim-store.js';
import { OutcomeStore, type SettledAttempt } from './outcome-store.js';
import { ReceiverStore } from './receiver-store.js';

/** Outcomes that fill one write. */
const BATCH = 128;
/** How long the first outcome of a write waits for company while more are under way. */
const LINGER_MS = 10;
const RETRY_MS = 500;

/**
 * Collects outcomes and writes them in batches, one write at a time. While the database is away they are kept and tried
 * again: an outcome that is lost costs its receiver a second copy.
 */
@Injectable()
export class OutcomeWriter {
  private readonly logger = new Logger(OutcomeWriter.name);
  private waiting: SettledAttempt[] = [];
  private writing: readonly SettledAttempt[] = [];
  private running: Promise<void> | undefined;
  private moreToCome = false;
  private hurry: (() => void) | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly outcomes: OutcomeStore,
    private readonly receivers: ReceiverStore,
    private readonly clock: Clock,
  ) {}

  /** Called after each write: the slots of what was written are free then. */
  onWritten(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** @param more - true while other requests are in flight whose outcomes may share the write */
  add(outcome: SettledAttempt, more: boolean): void {
    this.waiting.push(outcome);
    this.moreToCome = more;
    if (!more || this.waiting.length >= BATCH) this.hurry?.();
    this.running ??= this.run();
  }

  /** Outcomes that are not written yet, by receiver. */
  unwritten(): ReceiverCount[] {
    const counts = new Map<string, { keyId: string; origin: string; count: number }>();
    for (const { delivery } of [...this.waiting, ...this.writing]) {
      const key = `${delivery.keyId} ${delivery.origin}`;
      const counted = counts.get(key);
      if (counted === undefined) counts.set(key, { keyId: delivery.keyId, origin: delivery.origin, count: 1 });
      else counted.count += 1;
    }
    return [...counts.values()];
  }

  /** Resolves when everything that was added is written, or after `tries` failed writes. */
  async flush(tries = 1): Promise<void> {
    for (let failed = 0; this.waiting.length > 0 || this.running !== undefined;) {
      this.moreToCome = false;
      this.hurry?.();
      const before = this.waiting.length;
      await (this.running ??= this.run());
      if (this.waiting.length >= before && before > 0 && ++failed >= tries) return;
    }
  }

  private async run(): Promise<void> {
    try {
      while (this.waiting.length > 0) {
        if (this.moreToCome && this.waiting.length < BATCH) await this.linger();
        const batch = this.takeBatch();
        this.writing = batch;
        try {
          await this.settle(batch);
          this.writing = [];
        } catch (error) {
          this.writing = [];
          this.waiting.unshift(...batch);
          this.logger.warn('webhook outcomes could not be written', { reason: (error as Error).message });
          this.retryLater();
          return;
        }
        await this.writeHealth(batch);
        for (const listener of this.listeners) listener();
      }
    } finally {
      this.running = undefined;
    }
  }

  /**
   * An outcome that cannot be written, whatever the database's state, is let go: kept, it would hold up every other one for
   * ever. Its delivery's lease runs out, and it counts as one of unknown outcome.
   */
  private async settle(batch: readonly SettledAttempt[]): Promise<void> {
    try {
      await this.outcomes.settle(batch);
    } catch (error) {
      if (isPassing(error)) throw error;
      if (batch.length > 1) {
        for (const outcome of batch) await this.settle([outcome]);
        return;
      }
      this.logger.error('the outcome of a webhook cannot be written', {
        deliveryId: batch[0]?.delivery.id,
        reason: (error as Error).message,
      });
    }
  }

  /** Apart from the outcomes, which it must not hold up; the next batch says the same of a receiver again. */
  private async writeHealth(batch: readonly SettledAttempt[]): Promise<void> {
    try {
      await this.receivers.writeHealth(batch);
    } catch (error) {
      this.logger.warn('the health of webhook receivers could not be written', { reason: (error as Error).message });
    }
  }

  /** Up to BATCH outcomes, no delivery twice: one statement can change a row only once. */
  private takeBatch(): SettledAttempt[] {
    const batch: SettledAttempt[] = [];
    const left: SettledAttempt[] = [];
    const seen = new Set<string>();
    for (const outcome of this.waiting) {
      const full = batch.length >= BATCH || seen.has(outcome.delivery.id);
      seen.add(outcome.delivery.id);
      (full ? left : batch).push(outcome);
    }
    this.waiting = left;
    return batch;
  }

  private linger(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.hurry = undefined;
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(go, LINGER_MS);
      this.hurry = go;
    });
  }

  private retryLater(): void {
    void this.clock.sleep(RETRY_MS).then(() => {
      if (this.waiting.length > 0) this.running ??= this.run();
    });
  }
}
