import { abortReason } from '../common/clock.js';

/** A counting semaphore. Waiters are served in order, may leave, and may be sent away. */
class Slots {
  private taken = 0;
  private readonly waiting = new Set<(taken: boolean) => void>();

  constructor(private readonly size: () => number) {}

  get idle(): boolean {
    return this.taken === 0 && this.waiting.size === 0;
  }

  /** @returns false when the waiters were sent away before a slot was free */
  acquire(signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted === true) return Promise.reject(abortReason(signal));
    if (this.taken < this.size() && this.waiting.size === 0) {
      this.taken++;
      return Promise.resolve(true);
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.delete(onTurn);
        reject(abortReason(signal as AbortSignal));
      };
      const onTurn = (taken: boolean): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(taken);
      };
      this.waiting.add(onTurn);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Slots go directly to those who have waited longest, so that no newcomer can take one first; as many as the size now
   * allows.
   */
  release(): void {
    this.taken--;
    while (this.taken < this.size()) {
      const [next] = this.waiting;
      if (next === undefined) return;
      this.waiting.delete(next);
      this.taken++;
      next(true);
    }
  }

  sendAway(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const leave of waiting) leave(false);
  }
}

/** Bounds work overall and per key; a key's bound may change while it works. */
export class KeyedLimiter {
  private readonly all: Slots;
  private readonly byKey = new Map<string, Slots>();

  constructor(
    total: number,
    private readonly perKey: (key: string) => number,
  ) {
    this.all = new Slots(() => total);
  }

  /**
   * Runs `work` when both limits allow it.
   * The key's slot is taken first: work that waits for a hanging host must not hold a slot that another host could use.
   * @returns null when {@link sendAway} was called before it began
   * @throws the signal's reason when it is raised before `work` began
   */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | null> {
    const own = this.slotsOf(key);
    try {
      if (!(await own.acquire(signal))) return null;
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

  /** Sends away those who wait for the key's slots, because the host's pace has changed. */
  sendAway(key: string): void {
    this.byKey.get(key)?.sendAway();
  }

  /** Keys that have work running or waiting. */
  get keys(): number {
    return this.byKey.size;
  }

  private slotsOf(key: string): Slots {
    let slots = this.byKey.get(key);
    if (slots === undefined) {
      slots = new Slots(() => this.perKey(key));
      this.byKey.set(key, slots);
    }
    return slots;
  }
}
