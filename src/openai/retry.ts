import type { Clock } from '../common/clock.js';
import { OpenAiError } from './errors.js';

export interface RetryPolicy {
  /** Requests sent at most, the first included. */
  readonly maxTries: number;
  /** Milliseconds before the second try; doubles until 16 times this (2 → 32 s by default). */
  readonly baseDelayMs: number;
}

export interface CallLimits {
  /** Milliseconds since 1970: the call has ended by then, waits between tries and a stalled body included. */
  readonly deadlineAt: number;
  /** Hanging up: the request is cancelled upstream and the call rejects with kind `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the error before the same request is sent again. If it throws, the call ends. */
  readonly beforeRetry?: ((failed: OpenAiError) => Promise<void>) | undefined;
}

const LONGEST_FACTOR = 16;
const JITTER = 0.2;

/**
 * Milliseconds to wait after `failedTries` tries. The wait doubles each time, varies by ±20 % so that callers that
 * failed together do not try again together, and is never shorter than OpenAI's Retry-After.
 * @param random - uniform in [0, 1)
 */
export function retryDelayMs(
  policy: RetryPolicy,
  failedTries: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const factor = Math.min(2 ** (failedTries - 1), LONGEST_FACTOR);
  const delay = policy.baseDelayMs * factor * (1 - JITTER + 2 * JITTER * random());
  return Math.round(Math.max(delay, retryAfterMs ?? 0));
}

/**
 * Runs `attempt` until it succeeds, fails for good, has failed `maxTries` times, or the next wait would pass the
 * deadline; then the last error is thrown at once. An open circuit ends the call too. If a wait is only a hint
 * (`softWait`) and would pass the deadline, the usual wait is used instead.
 * @throws OpenAiError with `attempts` set to the requests that were sent
 */
export async function withRetries<T>(
  clock: Clock,
  policy: RetryPolicy,
  limits: CallLimits,
  attempt: (tryNumber: number) => Promise<T>,
  random: () => number = Math.random,
): Promise<T> {
  for (let tryNumber = 1; ; tryNumber += 1) {
    try {
      return await attempt(tryNumber);
    } catch (error) {
      if (!(error instanceof OpenAiError)) throw error;
      error.attempts = error.kind === 'circuit_open' ? tryNumber - 1 : tryNumber;
      if (!error.retryable || error.kind === 'circuit_open' || tryNumber >= policy.maxTries) throw error;
      const left = limits.deadlineAt - clock.now();
      const wait = error.softWait && (error.retryAfterMs ?? 0) >= left ? undefined : error.retryAfterMs;
      const delay = retryDelayMs(policy, tryNumber, wait, random);
      if (delay >= left) throw error;
      await waitOrHangUp(clock, delay, limits.signal, error);
      await limits.beforeRetry?.(error);
    }
  }
}

async function waitOrHangUp(clock: Clock, delay: number, signal: AbortSignal | undefined, last: OpenAiError) {
  try {
    await clock.sleep(delay, signal);
  } catch {
    const aborted = new OpenAiError({ kind: 'aborted', retryable: false, cause: last });
    aborted.attempts = last.attempts;
    throw aborted;
  }
}
