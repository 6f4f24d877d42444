import { createHash, createHmac } from 'node:crypto';
import { sign } from '../../scripts/sign.mjs';

export interface SignedFacts {
  readonly target: string;
  readonly method?: string;
  readonly body?: Buffer | string;
  /** Unix seconds that the signature is made at; now by default. */
  readonly at?: number;
}

/** The headers of scheme 1, made by the sample for clients: the service's own code would repeat its own mistakes. */
export function signatureHeaders(secret: string, { target, method = 'GET', body, at }: SignedFacts) {
  return sign(secret, method, target, body, at);
}

export function sha256Hex(body: Buffer | string): string {
  return createHash('sha256').update(body).digest('hex');
}

export function hmacHex(secret: string, message: Buffer | string): string {
  return createHmac('sha256', secret).update(message).digest('hex');
}
