import { createHash, randomBytes } from 'node:crypto';

/** A number in [0, 1) that the texts alone decide: the same inputs give the same choice on every run. */
export function chance(...parts: readonly (string | number)[]): number {
  return hash32(parts.join('\u0000')) / 0x1_0000_0000;
}

/** One of `items`, decided by the texts; `items` must not be empty. */
export function pick<T>(items: readonly T[], ...parts: readonly (string | number)[]): T {
  return items[Math.floor(chance(...parts) * items.length)] as T;
}

/** FNV-1a with a last mixing step; short and fast, as it runs dozens of times a line. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An id as OpenAI makes them: a prefix and random hex digits. */
export function newObjectId(prefix: string, bytes = 16): string {
  return prefix + randomBytes(bytes).toString('hex');
}
