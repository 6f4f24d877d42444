/** At most `size` holders at a time, first come, first served. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(size: number) {
    this.free = size;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}

/**
 * Lets the event loop run when more than a few milliseconds have passed since the last time. When photos are not
 * fetched a batch's lines need no I/O; without this no status request would be answered until the batch is done.
 */
export class Breather {
  private last = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.last < 8) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.last = performance.now();
  }
}
