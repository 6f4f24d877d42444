// Requests signed as docs/signing.md has it, without the service's own code.
import { createHash, createHmac } from 'node:crypto';

export const KEY = 'bench-shared-key-0123456789abcdef-0123';

/** Headers of a scheme 1 request. */
export function signedHeaders(method, path, bodySha256Hex = EMPTY) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const text = `v1\n${timestamp}\n${method}\n${path}\n${bodySha256Hex}`;
  return { 'x-timestamp': timestamp, 'x-signature': `v1=${createHmac('sha256', KEY).update(text).digest('hex')}` };
}

const EMPTY = createHash('sha256').digest('hex');
