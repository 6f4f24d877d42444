import { TIMESTAMP_WINDOW_SECONDS } from '../../auth/signatures.js';
import { idempotencyKeyExpiry } from '../../jobs/idempotency-key.js';
import type { NewRequestKey } from '../../jobs/request-key-store.js';
import type { ReceivedRequest } from './received-request.js';

const GENERATE_ROUTE = 'POST /api/v1/generate-descriptions';

/** How long the same body counts as a repeat, because a scheme 2 signature carries no time. */
const SAME_BODY_MS = 300_000;

type Known = Pick<ReceivedRequest, 'caller' | 'bodyHash' | 'jobId' | 'idempotencyKey' | 'signedAt'>;

/** How a repeat of this request is recognised: by its Idempotency-Key, else its signature, else its body. */
export function requestKeyOf(request: Known, now: number): NewRequestKey {
  const { caller, bodyHash, jobId } = request;
  const base = { keyId: caller.keyId, jobId, bodyHash };
  if (request.idempotencyKey !== null) {
    return {
      ...base,
      kind: 'idempotency',
      value: `${GENERATE_ROUTE} ${request.idempotencyKey}`,
      expiresAt: idempotencyKeyExpiry(now),
    };
  }
  if (caller.scheme === 1) {
    // After that the signature is too old, so it cannot be sent again.
    const expiresAt = new Date(((request.signedAt ?? now / 1000) + TIMESTAMP_WINDOW_SECONDS) * 1000);
    return { ...base, kind: 'signature', value: `${GENERATE_ROUTE} ${caller.signature}`, expiresAt };
  }
  return { ...base, kind: 'body', value: `${GENERATE_ROUTE} ${bodyHash}`, expiresAt: new Date(now + SAME_BODY_MS) };
}
