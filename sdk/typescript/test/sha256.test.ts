import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hmacSha256, Sha256, toHex } from '../src/sha256.js';

const reference = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('SHA-256', () => {
  it('is that of node:crypto at every length around the block size', () => {
    for (let length = 0; length <= 260; length++) {
      const bytes = randomBytes(length);
      expect(toHex(new Sha256().update(bytes).digest())).toBe(reference(bytes));
    }
  });

  it('does not depend on how the bytes are cut into chunks', () => {
    const bytes = randomBytes(5_000);
    for (let round = 0; round < 200; round++) {
      const sum = new Sha256();
      for (let at = 0; at < bytes.length;) {
        const end = at + Math.floor(Math.random() * 150);
        sum.update(bytes.subarray(at, end));
        at = end;
      }
      expect(toHex(sum.digest())).toBe(reference(bytes));
    }
  });

  it('makes the HMAC of node:crypto with keys of every length', () => {
    for (let length = 0; length <= 140; length++) {
      const key = randomBytes(length);
      const text = randomBytes(length * 3);
      const expected = createHmac('sha256', key).update(text).digest('hex');
      expect(toHex(hmacSha256(key, text.subarray(0, length), text.subarray(length)))).toBe(expected);
    }
  });
});
