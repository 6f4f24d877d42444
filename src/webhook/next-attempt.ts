import { MAX_RETRY_AFTER_MS } from '../outbound/retry-after.js';

/** Waits vary by this share, so that deliveries that failed together are not sent again together. */
const JITTER = 0.2;

/** When the first attempt of a delivery is due: after the schedule's first entry, which is 0 by default. */
export function firstAttemptAt(schedule: readonly number[], now: Date): Date {
  return new Date(now.getTime() + (schedule[0] ?? 0) * 1000);
}

/**
 * How long to wait after an attempt that failed.
 * @param schedule - seconds before each attempt, counted from the end of the attempt before
 * @param failures - attempts that are known to have failed, this one included; attempts of unknown outcome do not count
 * @param retryAfterMs - what the receiver asked for; it lengthens the wait, 24 h at most, and never shortens it
 * @param random - from 0 up to 1, for ±20 % of jitter
 * @returns milliseconds, or null when the schedule is used up
 */
export function retryWaitMs(
  schedule: readonly number[],
  failures: number,
  retryAfterMs: number,
  random: number,
): number | null {
  const seconds = schedule[failures];
  if (seconds === undefined) return null;
  const jittered = seconds * 1000 * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
}
