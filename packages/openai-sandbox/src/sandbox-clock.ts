/** setTimeout fires at once above this. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * The sandbox's time: never behind the wall clock, `speed` times as fast, and moved ahead on request.
 * It is what batches are stamped with and expire by; latencies and photo deadlines are real.
 */
export class SandboxClock {
  private readonly startedAt = Date.now();
  private readonly wakeUps = new Set<() => void>();
  private advancedMs: number;

  /** @param aheadMs - how far ahead of the wall clock a former process with the same state already was */
  constructor(
    readonly speed: number,
    aheadMs = 0,
  ) {
    this.advancedMs = Math.max(0, aheadMs);
  }

  /** Milliseconds since 1970. */
  now(): number {
    const elapsed = Date.now() - this.startedAt;
    return this.startedAt + elapsed * this.speed + this.advancedMs;
  }

  /** Whole seconds since 1970, as OpenAI's timestamps are. */
  seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Moves the time ahead and wakes everyone who waits. */
  advance(seconds: number): void {
    this.advancedMs += seconds * 1000;
    this.wake();
  }

  /** Lets everyone who waits look again, after a cancel for one. */
  wake(): void {
    for (const wakeUp of this.wakeUps) wakeUp();
  }

  /**
   * Resolves when the sandbox's time reaches `atMs`, at the next `wake`, or when the signal aborts: look, then wait
   * again.
   */
  waitUntil(atMs: number, signal: AbortSignal): Promise<void> {
    const realMs = Math.min(Math.ceil((atMs - this.now()) / this.speed), LONGEST_TIMER_MS);
    if (realMs <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wakeUps.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, realMs);
      this.wakeUps.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
