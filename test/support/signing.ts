import { createHash, createHmac } from 'node:crypto';

export interface SignedFacts {
  readonly target: string;
  readonly method?: string;
  readonly body?: Buffer | string;
  /** Unix seconds that the signature is made at; now by default. */
  readonly at?: number;
}

/** Scheme 1 as the contract has it, made here anew: the service's own code must not vouch for itself. */
export function signatureHeaders(secret: string, facts: SignedFacts): { 'X-Timestamp': string; 'X-Signature': string } {
  const { target, method = 'GET', body = '', at = Math.floor(Date.now() / 1000) } = facts;
  const text = `v1\n${at}\n${method}\n${target}\n${sha256Hex(body)}`;
  return { 'X-Timestamp': String(at), 'X-Signature': `v1=${hmacHex(secret, text)}` };
}

export function sha256Hex(body: Buffer | string): string {
  return createHash('sha256').update(body).digest('hex');
}

export function hmacHex(secret: string, message: Buffer | string): string {
  return createHmac('sha256', secret).update(message).digest('hex');
}
