import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { TIMESTAMP_WINDOW_SECONDS } from '../auth/signatures.js';
import { Clock } from '../common/clock.js';
import { idempotencyKeyExpiry, readIdempotencyKey } from '../jobs/idempotency-key.js';
import type { NewRequestKey } from '../jobs/request-key-store.js';

/** By what a repeat of a request that sends something is known: its Idempotency-Key, else its signature. */
@Injectable()
export class Repeats {
  constructor(private readonly clock: Clock) {}

  /**
   * @param id - what a repeat finds again. No job's id: keys of failed jobs are forgotten, and theirs may be sent again too
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
      // Until the signature is stale by itself.
      const expiresAt = new Date((Number(request.headers['x-timestamp']) + TIMESTAMP_WINDOW_SECONDS) * 1000);
      return { keyId, kind: 'signature', value: `${route} ${signature}`, jobId: id, bodyHash, expiresAt };
    }
    const expiresAt = idempotencyKeyExpiry(this.clock.now());
    return { keyId, kind: 'idempotency', value: `${route} ${idempotencyKey}`, jobId: id, bodyHash, expiresAt };
  }
}
