import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { TIMESTAMP_WINDOW_SECONDS } from '../auth/signatures.js';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import type { NewRequestKey } from '../jobs/request-keys.js';

const KEY_HOURS = 24;
const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;

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
    const idempotencyKey = readIdempotencyKey(request);
    const seconds = this.clock.now() / 1000;
    if (idempotencyKey === null) {
      // Until the signature is stale by itself.
      const expiresAt = new Date((Number(request.headers['x-timestamp']) + TIMESTAMP_WINDOW_SECONDS) * 1000);
      return { keyId, kind: 'signature', value: `${route} ${signature}`, jobId: id, bodyHash, expiresAt };
    }
    const expiresAt = new Date((seconds + KEY_HOURS * 3600) * 1000);
    return { keyId, kind: 'idempotency', value: `${route} ${idempotencyKey}`, jobId: id, bodyHash, expiresAt };
  }
}

function readIdempotencyKey(request: Request): string | null {
  const values = request.headersDistinct['idempotency-key'];
  if (values === undefined) return null;
  const key = values[0]?.replace(/^"(.*)"$/, '$1') ?? '';
  if (values.length === 1 && VISIBLE_ASCII.test(key)) return key;
  const rule = '1 to 255 visible ASCII characters, sent once';
  throw new ServiceError('VALIDATION_FAILED', `Idempotency-Key must be ${rule}.`, {
    details: { fields: [{ path: 'Idempotency-Key', rule }], count: 1 },
  });
}
