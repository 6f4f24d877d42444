import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { TIMESTAMP_WINDOW_SECONDS } from '../auth/signatures.js';
import { Clock } from '../common/clock.js';
import { idempotencyKeyExpiry, readIdempotencyKey } from '../jobs/idempotency-key.js';
import type { NewRequestKey } from '../jobs/request-key-store.js';

/** Recognizes repeats of requests with small bodies, by their Idempotency-Key or else by their signature. */
@Injectable()
export class Repeats {
  constructor(private readonly clock: Clock) {}

  /**
   * @param id - the id that a repeat finds again: of the job that the request makes, else an id that no job has, because the keys of
   *   failed jobs are used again
   * @throws ServiceError VALIDATION_FAILED for a malformed Idempotency-Key
   */
  keyOf(request: Request, id: string): NewRequestKey {
    const { keyId, signature } = signedCallerOf(request);
    const route = `${request.method} ${request.path}`;
    const body: unknown = request.body;
    const bodyHash = createHash('sha256')
      .update(JSON.stringify(body) ?? '')
      .digest('hex');
    const idempotencyKey = readIdempotencyKey(request.headersDistinct);
    if (idempotencyKey === null) {
      // Until then the signature itself is accepted.
      const expiresAt = new Date((Number(request.headers['x-timestamp']) + TIMESTAMP_WINDOW_SECONDS) * 1000);
      return { keyId, kind: 'signature', value: `${route} ${signature}`, jobId: id, bodyHash, expiresAt };
    }
    const expiresAt = idempotencyKeyExpiry(this.clock.now());
    return { keyId, kind: 'idempotency', value: `${route} ${idempotencyKey}`, jobId: id, bodyHash, expiresAt };
  }
}
