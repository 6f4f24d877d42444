import { DAY_MS } from '../common/clock.js';

/** The longest wait that a header may ask for. */
export const MAX_RETRY_AFTER_MS = DAY_MS;

/**
 * A Retry-After header (RFC 9110: seconds, or a date in GMT) in milliseconds from `now`.
 * @returns 0 when there is none, when it cannot be read or when it lies in the past
 */
export function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // Date.parse reads many texts as a date ("5 apples" is May), so only a text in the form of an HTTP date is accepted.
  const date = /^[A-Z][a-z]+,? .*\d{2}:\d{2}:\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.min(Math.max(0, date - now), MAX_RETRY_AFTER_MS);
}
