import { abortReason, type Clock } from '../common/clock.js';
import { listenFreely, orAbort } from '../common/abort-signals.js';

/** How long an answer is used for all lots that name the address. */
export const KEPT_MS = 5 * 60_000;
/** The most answers that are remembered, by their number and by the length of their addresses. */
const MOST_KEPT = 20_000;
const MOST_CHARACTERS = 8_000_000;

interface Running<T> {
  readonly outcome: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

interface Kept<T> {
  readonly outcome: T;
  readonly until: number;
}

/** Shares one check of an address among all who ask for it while it runs and for some minutes after. */
export class SharedChecks<T> {
  private readonly running = new Map<string, Running<T>>();
  private readonly kept = new Map<string, Kept<T>>();
  private characters = 0;

  constructor(private readonly clock: Clock) {}

  /**
   * What was found out within the last minutes, if anything.
   * @param since - milliseconds since 1970: what was found out before does not count
   */
  known(key: string, since = -Infinity): T | undefined {
    const kept = this.kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.until > this.clock.now()) return kept.until - KEPT_MS < since ? undefined : kept.outcome;
    this.forget(key);
    return undefined;
  }

  remember(key: string, outcome: T): void {
    this.forget(key);
    this.kept.set(key, { outcome, until: this.clock.now() + KEPT_MS });
    this.characters += key.length;
    while (this.kept.size > MOST_KEPT || this.characters > MOST_CHARACTERS) {
      const [eldest] = this.kept.keys();
      if (eldest === undefined) return;
      this.forget(eldest);
    }
  }

  /**
   * Joins the check that runs under `key`, or starts it. It runs as long as at least one caller waits for it.
   * @throws the signal's reason once it is raised, whatever becomes of the check
   */
  async join(key: string, signal: AbortSignal | undefined, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal?.aborted === true) throw abortReason(signal);
    const running = this.running.get(key) ?? this.begin(key, start);
    running.waiting++;
    try {
      return await (signal === undefined ? running.outcome : orAbort(running.outcome, signal));
    } finally {
      running.waiting--;
      if (running.waiting === 0) {
        if (this.running.get(key) === running) this.running.delete(key);
        running.controller.abort(new Error('no caller waits for this photo any more'));
      }
    }
  }

  private begin(key: string, start: (signal: AbortSignal) => Promise<T>): Running<T> {
    const controller = new AbortController();
    listenFreely(controller.signal);
    const outcome = start(controller.signal).finally(() => {
      if (this.running.get(key)?.controller === controller) this.running.delete(key);
    });
    // Waiting callers get the error. When none waits any more, it can be ignored.
    outcome.catch(() => undefined);
    const running = { outcome, controller, waiting: 0 };
    this.running.set(key, running);
    return running;
  }

  private forget(key: string): void {
    if (this.kept.delete(key)) this.characters -= key.length;
  }
}
