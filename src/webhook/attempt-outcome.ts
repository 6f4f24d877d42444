import { retryAfterMs } from '../outbound/retry-after.js';
import { retryWaitMs } from './next-attempt.js';

/** The result of one request: an answer, or the reason why there was none. */
export interface SendResult {
  /** Null when no answer came. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  /** The target of a redirect. */
  readonly location: string | null;
  /** The first 1,000 characters of the answer. */
  readonly responseStart: string | null;
  /** The IP address and port that the request was sent to. */
  readonly address: string | null;
  readonly durationMs: number;
  /** A short reason without any text of the client's, when no answer came. */
  readonly error: string | null;
  /** False for hosts in OUTBOUND_ALLOW: their answers are neither stored nor shown. */
  readonly mayKeepAnswer: boolean;
}

/** What an attempt means for its delivery. */
export interface Verdict {
  readonly outcome: 'delivered' | 'failed';
  /** True after a 410: this delivery and the job's other parts for that address end. */
  readonly gone: boolean;
  /** When the next attempt is due; null when there is none. */
  readonly nextAttemptAt: Date | null;
  readonly error: string | null;
}

export interface Budget {
  readonly schedule: readonly number[];
  /** How many attempts before this one are known to have failed. */
  readonly failures: number;
  /** False for a ping: its client sees the outcome in the answer and can ask again. */
  readonly retries: boolean;
}

/** Judges one attempt. Only a 2xx is a success; a redirect is a failure like any other answer. */
export function judge(result: SendResult, budget: Budget, now: number, random: number): Verdict {
  const { status } = result;
  if (status !== null && status >= 200 && status < 300) {
    return { outcome: 'delivered', gone: false, nextAttemptAt: null, error: null };
  }
  const gone = status === 410;
  const wait =
    gone || !budget.retries
      ? null
      : retryWaitMs(budget.schedule, budget.failures + 1, retryAfterMs(result.retryAfter, now), random);
  return {
    outcome: 'failed',
    gone,
    nextAttemptAt: wait === null ? null : new Date(now + wait),
    error: reason(result),
  };
}

function reason({ status, error, location, mayKeepAnswer }: SendResult): string {
  if (status === null) return error ?? 'no answer';
  if (!mayKeepAnswer) return 'the answer was not a 2xx';
  if (status >= 300 && status < 400 && location !== null) {
    return `HTTP ${status}: redirects are not followed (to ${location.slice(0, 200)})`;
  }
  return status === 410 ? 'HTTP 410: the receiver wants no more of this' : `HTTP ${status}`;
}
