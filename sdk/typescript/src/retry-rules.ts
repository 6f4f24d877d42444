import { ApiError, ConnectionError } from './errors.js';

/** How often, and how long, a request is tried again. */
export interface RetryOptions {
  /** Attempts after the first (5). */
  readonly retries: number;
  /** The longest pause in seconds (120). When the service asks for a longer one, its answer is thrown instead. */
  readonly longestPause: number;
}

/** Answers of the service that a later attempt can change. */
const PASSING = new Set(['RATE_LIMITED', 'TOO_MANY_ACTIVE_JOBS', 'REQUEST_IN_PROGRESS', 'SERVICE_UNAVAILABLE']);
/** What a proxy says while the service restarts; the service's own 502 and 504 have codes and were paid for. */
const PROXY_STATUSES = new Set([429, 502, 503, 504]);

/**
 * The seconds until the next attempt, or null when there should be none. Every request may be repeated: those that
 * change something carry the same Idempotency-Key each time.
 * @param attempt - 1 after the first
 * @param random - 0 to 1, so that clients that failed together do not come back together
 */
export function pauseBefore(
  attempt: number,
  error: unknown,
  options: RetryOptions,
  random: number = Math.random(),
): number | null {
  if (attempt > options.retries || !passes(error)) return null;
  const asked = error instanceof ApiError ? error.retryAfter : null;
  const own = Math.min(0.5 * 2 ** (attempt - 1), 30) * (0.5 + random / 2);
  // Never sooner than asked, and a little after it, by each client differently.
  const pause = asked === null ? own : asked + Math.min(own, 1);
  return (asked ?? 0) > options.longestPause ? null : pause;
}

function passes(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (!(error instanceof ApiError)) return false;
  return PASSING.has(error.code) || (error.answer.code === undefined && PROXY_STATUSES.has(error.status));
}

/** The seconds of a Retry-After header, which is a number or a date. */
export function retryAfterSeconds(value: string | null, now: number = Date.now()): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, (date - now) / 1000);
}
