import { abortReason } from '../common/clock.js';

interface Waiter {
  readonly weight: number;
  readonly admit: () => void;
}

/**
 * A semaphore whose holders take different amounts, of bytes for example. Served in order, so that a large amount is
 * not passed over endlessly.
 */
export class WeightedSlots {
  private taken = 0;
  private readonly waiting = new Set<Waiter>();

  constructor(readonly total: number) {}

  get inUse(): number {
    return this.taken;
  }

  /** Takes `weight` if it is free and no one waits; never waits itself. */
  tryTake(weight: number): boolean {
    if (this.waiting.size > 0 || this.taken + weight > this.total) return false;
    this.taken += weight;
    return true;
  }

  /**
   * Takes `weight` as soon as it is free. A caller that waits must hold nothing of the same semaphore, or two could
   * wait for each other.
   * @throws RangeError for more than the total; the signal's reason when it is raised first
   */
  take(weight: number, signal?: AbortSignal): Promise<void> {
    if (weight > this.total) return Promise.reject(new RangeError('more than there is'));
    if (signal?.aborted === true) return Promise.reject(abortReason(signal));
    if (this.tryTake(weight)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.delete(waiter);
        reject(abortReason(signal as AbortSignal));
        this.admitNext();
      };
      const waiter: Waiter = {
        weight,
        admit: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.waiting.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  give(weight: number): void {
    this.taken -= weight;
    this.admitNext();
  }

  private admitNext(): void {
    for (const waiter of this.waiting) {
      if (this.taken + waiter.weight > this.total) return;
      this.waiting.delete(waiter);
      this.taken += waiter.weight;
      waiter.admit();
    }
  }
}
