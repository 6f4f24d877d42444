import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { isPassing } from '../common/database-away.js';
import type { ReceiverCount } from './claim-store.js';
import type { SettledAttempt } from './claimed-delivery.js';
import { OutcomeStore } from './outcome-store.js';
import { ReceiverStore } from './receiver-store.js';

/** How many outcomes one write takes at most. */
const MOST_OUTCOMES = 128;
/** How long the first outcome waits for others to join its write while more are under way, in milliseconds. */
const LINGER_MS = 10;
const RETRY_MS = 500;

/**
 * Collects outcomes of attempts and writes many at once, one write at a time. While the database is away they are kept
 * and written later: if an outcome is lost, its receiver gets a second copy.
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

  /** Calls `listener` after each write, when the slots of the written attempts are free. */
  onWritten(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** @param more - true while other requests are in flight whose outcomes may share the write */
  add(outcome: SettledAttempt, more: boolean): void {
    this.waiting.push(outcome);
    this.moreToCome = more;
    if (!more || this.waiting.length >= MOST_OUTCOMES) this.hurry?.();
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
        if (this.moreToCome && this.waiting.length < MOST_OUTCOMES) await this.linger();
        const taken = this.takeNext();
        this.writing = taken;
        try {
          await this.settle(taken);
          this.writing = [];
        } catch (error) {
          this.writing = [];
          this.waiting.unshift(...taken);
          this.logger.warn('webhook outcomes could not be written', { reason: (error as Error).message });
          this.retryLater();
          return;
        }
        await this.writeHealth(taken);
        for (const listener of this.listeners) listener();
      }
    } finally {
      this.running = undefined;
    }
  }

  /**
   * Writes outcomes. One that can never be written is dropped, or it would block all others. Its delivery's lease then
   * runs out, and the attempt counts as one of unknown outcome.
   */
  private async settle(settled: readonly SettledAttempt[]): Promise<void> {
    try {
      await this.outcomes.settle(settled);
    } catch (error) {
      if (isPassing(error)) throw error;
      if (settled.length > 1) {
        for (const outcome of settled) await this.settle([outcome]);
        return;
      }
      this.logger.error('the outcome of a webhook cannot be written', {
        deliveryId: settled[0]?.delivery.id,
        reason: (error as Error).message,
      });
    }
  }

  /** Separate from the outcomes, which must not wait for it. If it fails, the next write covers the same receivers. */
  private async writeHealth(settled: readonly SettledAttempt[]): Promise<void> {
    try {
      await this.receivers.writeHealth(settled);
    } catch (error) {
      this.logger.warn('the health of webhook receivers could not be written', { reason: (error as Error).message });
    }
  }

  /**
   * Takes up to MOST_OUTCOMES outcomes, none of the same delivery, because one statement can change a row only once.
   */
  private takeNext(): SettledAttempt[] {
    const taken: SettledAttempt[] = [];
    const left: SettledAttempt[] = [];
    const seen = new Set<string>();
    for (const outcome of this.waiting) {
      const full = taken.length >= MOST_OUTCOMES || seen.has(outcome.delivery.id);
      seen.add(outcome.delivery.id);
      (full ? left : taken).push(outcome);
    }
    this.waiting = left;
    return taken;
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
