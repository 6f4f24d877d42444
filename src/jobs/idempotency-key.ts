import { DAY_MS } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';

/** For how long a repeat with the same Idempotency-Key gets the first answer again, in milliseconds. */
const KEPT_MS = DAY_MS;
const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;
const RULE = '1 to 255 visible ASCII characters, sent once';

/**
 * Reads an Idempotency-Key header, with or without quotes: the draft standard has quotes, most clients do not.
 * @param headers - Node's `headersDistinct`, in which a header that came twice has two values
 * @returns null when there is none
 * @throws ServiceError VALIDATION_FAILED when it came twice or is not 1 to 255 visible ASCII characters
 */
export function readIdempotencyKey(headers: Readonly<Record<string, readonly string[] | undefined>>): string | null {
  const values = headers['idempotency-key'];
  if (values === undefined) return null;
  const key = values[0]?.replace(/^"(.*)"$/, '$1') ?? '';
  if (values.length === 1 && VISIBLE_ASCII.test(key)) return key;
  throw new ServiceError('VALIDATION_FAILED', `Idempotency-Key must be ${RULE}.`, {
    details: { fields: [{ path: 'Idempotency-Key', rule: RULE }], count: 1 },
  });
}

/** Until when a key that came at `now` (milliseconds since 1970) is remembered. */
export function idempotencyKeyExpiry(now: number): Date {
  return new Date(now + KEPT_MS);
}
