import { Clock } from '../../src/common/clock.js';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export interface FakeClockOptions {
  /** The time that it shows at first, in milliseconds since 1970. */
  readonly at?: number;
  /** Waits of at most this many milliseconds (those between tries) end at once and move the time. None by default. */
  readonly skipUpToMs?: number;
}

/**
 * The one clock of tests. It stands still until `advance` moves it. A wait that is not skipped (a deadline) ends only
 * then, or when its signal aborts. A wait that was given up is forgotten, as by the real clock.
 */
export class FakeClock extends Clock {
  /** The lengths of the waits that were skipped, oldest first. */
  readonly skipped: number[] = [];
  private time: number;
  private readonly skipUpToMs: number;
  private readonly sleepers = new Set<Sleeper>();
  private readonly watchers: (() => void)[] = [];

  constructor({ at = Date.parse('2026-03-01T12:00:00Z'), skipUpToMs = 0 }: FakeClockOptions = {}) {
    super();
    this.time = at;
    this.skipUpToMs = skipUpToMs;
  }

  override now(): number {
    return this.time;
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return ms <= this.skipUpToMs ? this.skip(ms, signal) : this.wait(ms, signal);
  }

  /** The number of waits that go on: a call that has ended must leave none. */
  get waiting(): number {
    return this.sleepers.size;
  }

  /** Resolves once a wait has begun. */
  async untilWaiting(): Promise<void> {
    if (this.waiting === 0) await new Promise<void>((resolve) => this.watchers.push(resolve));
  }

  advance(ms: number): void {
    this.time += ms;
    for (const sleeper of this.sleepers) {
      if (sleeper.until > this.time) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
  }

  /** Waits that began together end together. Everything else that is ready to run does so in between. */
  private async skip(ms: number, signal?: AbortSignal): Promise<void> {
    this.skipped.push(ms);
    const until = this.time + ms;
    await new Promise((resolve) => setImmediate(resolve));
    this.time = Math.max(this.time, until);
    signal?.throwIfAborted();
  }

  private wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.time + ms, wake: resolve };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers.delete(sleeper);
        reject(signal.reason as Error);
      });
      for (const noticed of this.watchers.splice(0)) noticed();
    });
  }
}
