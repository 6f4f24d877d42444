/**
 * Merges look-ups by key that wait at the same time into one statement.
 * A look-up never joins a statement that is already under way, so it sees everything that was committed before it.
 */
export class MergedLookup<V> {
  private waiting = new Map<string, Waiter<V>[]>();
  private running = 0;

  /**
   * @param read - one statement for many keys; keys that are missing from its result give undefined
   * @param concurrency - how many statements may run at once; more of them would only merge fewer look-ups
   */
  constructor(
    private readonly read: (keys: string[]) => Promise<ReadonlyMap<string, V>>,
    private readonly concurrency = 2,
  ) {}

  get(key: string): Promise<V | undefined> {
    return new Promise((resolve, reject) => {
      const waiters = this.waiting.get(key);
      if (waiters === undefined) this.waiting.set(key, [{ resolve, reject }]);
      else waiters.push({ resolve, reject });
      // Runs after this turn of the event loop, when every request that came with it has asked.
      if (this.waiting.size === 1) setImmediate(() => this.runNext());
    });
  }

  private runNext(): void {
    if (this.running >= this.concurrency || this.waiting.size === 0) return;
    const batch = this.waiting;
    this.waiting = new Map();
    this.running++;
    this.read([...batch.keys()])
      .then(
        (found) => {
          for (const [key, waiters] of batch) for (const waiter of waiters) waiter.resolve(found.get(key));
        },
        (error: unknown) => {
          for (const waiters of batch.values()) for (const waiter of waiters) waiter.reject(error);
        },
      )
      .finally(() => {
        this.running--;
        this.runNext();
      });
  }
}

interface Waiter<V> {
  resolve(value: V | undefined): void;
  reject(error: unknown): void;
}
