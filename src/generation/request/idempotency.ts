import { ServiceError } from '../../common/service-error.js';
import type { NewRequestKey } from '../../jobs/request-keys.js';
import type { IntakenRequest } from '../intake/intaken-request.js';

const KEY_HOURS = 24;
/** The window in which a signature is fresh, and in which a scheme 2 body counts as a repeat. */
const WINDOW_SECONDS = 300;
const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;

/**
 * Reads an Idempotency-Key header, bare or quoted.
 * @throws ServiceError VALIDATION_FAILED when it is doubled or not 1 to 255 visible ASCII characters
 */
export function readIdempotencyKey(headers: Readonly<Record<string, string[] | undefined>>): string | null {
  const values = headers['idempotency-key'];
  if (values === undefined) return null;
  const key = values[0]?.replace(/^"(.*)"$/, '$1') ?? '';
  if (values.length > 1 || !VISIBLE_ASCII.test(key)) {
    throw new ServiceError(
      'VALIDATION_FAILED',
      'Idempotency-Key must be sent once, with 1 to 255 visible ASCII characters.',
      {
        details: { fields: [{ path: 'Idempotency-Key', rule: '1 to 255 visible ASCII characters' }], count: 1 },
      },
    );
  }
  return key;
}

/** By what a repeat of this request is known: its Idempotency-Key, else its signature, else its body. */
export function requestKeyOf(request: IntakenRequest, route: string, now: number): NewRequestKey {
  const { caller, bodyHash, jobId } = request;
  const base = { keyId: caller.keyId, jobId, bodyHash };
  if (request.idempotencyKey !== null) {
    return {
      ...base,
      kind: 'idempotency',
      value: `${route} ${request.idempotencyKey}`,
      expiresAt: new Date(now + KEY_HOURS * 3_600_000),
    };
  }
  if (caller.scheme === 1) {
    // Stale afterwards, so that nobody can send it again.
    const expiresAt = new Date(((request.signedAt ?? now / 1000) + WINDOW_SECONDS) * 1000);
    return { ...base, kind: 'signature', value: `${route} ${caller.signature}`, expiresAt };
  }
  return { ...base, kind: 'body', value: `${route} ${bodyHash}`, expiresAt: new Date(now + WINDOW_SECONDS * 1000) };
}
