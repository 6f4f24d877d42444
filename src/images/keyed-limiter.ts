import { abortReason } from '../common/clock.js';

/** A counting semaphore whose waiters are served in order and may leave. */
class Slots {
  private taken = 0;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly size: number) {}

  get idle(): boolean {
    return this.taken === 0 && this.waiting.size === 0;
  }

  acquire(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(abortReason(signal));
    if (this.taken < this.size) {
      this.taken++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.delete(onSlot);
        reject(abortReason(signal as AbortSignal));
      };
      const onSlot = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      this.waiting.add(onSlot);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The slot goes straight to the longest waiter, so that nobody can slip in between. */
  release(): void {
    const [next] = this.waiting;
    if (next === undefined) this.taken--;
    else {
      this.waiting.delete(next);
      next();
    }
  }
}

/** Bounds work overall and per key. */
export class KeyedLimiter {
  private readonly all: Slots;
  private readonly byKey = new Map<string, Slots>();

  constructor(
    total: number,
    private readonly perKey: number,
  ) {
    this.all = new Slots(total);
  }

  /**
   * Runs `work` when both limits allow it.
   * The key's slot is taken first: work that waits for a hanging host must not hold a slot that another host could use.
   * @throws the signal's reason when it is raised before `work` began
   */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const own = this.slotsOf(key);
    try {
      await own.acquire(signal);
      try {
        await this.all.acquire(signal);
        try {
          return await work();
        } finally {
          this.all.release();
        }
      } finally {
        own.release();
      }
    } finally {
      if (own.idle) this.byKey.delete(key);
    }
  }

  /** Keys that have work running or waiting. */
  get keys(): number {
    return this.byKey.size;
  }

  private slotsOf(key: string): Slots {
    let slots = this.byKey.get(key);
    if (slots === undefined) {
      slots = new Slots(this.perKey);
      this.byKey.set(key, slots);
    }
    return slots;
  }
}
