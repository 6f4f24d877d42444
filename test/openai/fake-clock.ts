import { Clock } from '../../src/common/clock.js';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still. Waits of at most `skipUpToMs` (those between tries) end at once and move the time by their
 * length; longer ones (deadlines) end only through `advance`. Waits that are given up leave the clock as they should.
 */
export class FakeClock extends Clock {
  readonly skipped: number[] = [];
  private time = Date.parse('2026-11-23T12:00:00Z');
  private readonly sleepers = new Set<Sleeper>();

  constructor(private readonly skipUpToMs = 0) {
    super();
  }

  override now(): number {
    return this.time;
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (ms <= this.skipUpToMs) {
      this.skipped.push(ms);
      this.time += ms;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.time + ms, wake: resolve };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers.delete(sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  /** Waits that nobody gave up: a call that ended must leave none. */
  get waiting(): number {
    return this.sleepers.size;
  }

  advance(ms: number): void {
    this.time += ms;
    for (const sleeper of this.sleepers) {
      if (sleeper.until > this.time) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}
