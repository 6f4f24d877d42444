import { abortReason } from './clock.js';

interface Waiter {
  readonly weight: number;
  /** @param taken - false when it is sent away */
  readonly end: (taken: boolean) => void;
}

/**
 * A semaphore for pieces of work or, with weights, for bytes. Waiters are served in order; otherwise a heavy one could
 * wait without end. A waiter may stop waiting, and all may be sent away. (p-limit has neither weights nor that.)
 */
export class Slots {
  private taken = 0;
  private readonly waiting = new Set<Waiter>();

  /** @param size - how much there is; as a function, it may change meanwhile */
  constructor(private readonly size: number | (() => number)) {}

  get inUse(): number {
    return this.taken;
  }

  get idle(): boolean {
    return this.taken === 0 && this.waiting.size === 0;
  }

  /** Runs `work` with a slot of its own. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.take(1);
    try {
      return await work();
    } finally {
      this.give(1);
    }
  }

  /** Takes `weight` where it is free and nobody waits; never waits. */
  tryTake(weight: number): boolean {
    if (this.waiting.size > 0 || !this.fits(weight)) return false;
    this.taken += weight;
    return true;
  }

  /**
   * Takes `weight` as soon as it is free. A caller that waits must hold nothing of the same semaphore, or two callers
   * could wait for each other.
   * @returns false when the waiters were sent away before
   * @throws RangeError for more than there will ever be; the signal's reason when it is raised first
   */
  take(weight: number, signal?: AbortSignal): Promise<boolean> {
    if (typeof this.size === 'number' && weight > this.size) {
      return Promise.reject(new RangeError('more than there is'));
    }
    if (signal?.aborted === true) return Promise.reject(abortReason(signal));
    if (this.tryTake(weight)) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.delete(waiter);
        reject(abortReason(signal as AbortSignal));
        this.admitNext();
      };
      const waiter: Waiter = {
        weight,
        end: (taken) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(taken);
        },
      };
      this.waiting.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** What is given goes straight to those who wait longest, so that nobody can slip in between. */
  give(weight: number): void {
    this.taken -= weight;
    this.admitNext();
  }

  sendAway(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const waiter of waiting) waiter.end(false);
  }

  private fits(weight: number): boolean {
    return this.taken + weight <= (typeof this.size === 'number' ? this.size : this.size());
  }

  private admitNext(): void {
    for (const waiter of this.waiting) {
      if (!this.fits(waiter.weight)) return;
      this.waiting.delete(waiter);
      this.taken += waiter.weight;
      waiter.end(true);
    }
  }
}
