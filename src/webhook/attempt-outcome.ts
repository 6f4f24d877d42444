import { retryAfterMs } from '../outbound/retry-after.js';
import { retryWaitMs } from './next-attempt.js';

/** What came of one request: an answer's headers, or the reason why there was none. */
export interface SendResult {
  /** Null when no answer came. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  /** Where a redirect pointed. */
  readonly location: string | null;
  /** The first 1,000 characters of the answer. */
  readonly responseStart: string | null;
  /** IP address and port that were dialled. */
  readonly address: string | null;
  readonly durationMs: number;
  /** A short reason without client text, when no answer came. */
  readonly error: string | null;
  /** False for OUTBOUND_ALLOW's hosts: what they answer is neither stored nor shown. */
  readonly mayKeepAnswer: boolean;
}

/** What an attempt means for its delivery. */
export interface Verdict {
  readonly outcome: 'delivered' | 'failed';
  /** 410: this delivery and the job's other parts for that address end. */
  readonly gone: boolean;
  /** When to try again; null when it is over. */
  readonly nextAttemptAt: Date | null;
  readonly error: string | null;
}

export interface Budget {
  readonly schedule: readonly number[];
  /** Known failures before this attempt. */
  readonly failures: number;
  /** False for a ping: whoever asked for it reads the answer and asks again. */
  readonly retries: boolean;
}

/** Judges one attempt; 2xx is the only success, and a redirect is an answer like any other failure. */
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
