import { sha256Hex } from './signing.js';
import type { Body } from './spool.js';
import type { GenerateDescriptionsRequest, Lot } from './types.js';

/** The lines of a large request: what is asked for, then a lot on each. */
export async function* requestLines(
  head: Omit<GenerateDescriptionsRequest, 'lots'>,
  lots: Iterable<Lot> | AsyncIterable<Lot>,
): AsyncGenerator<string, void, undefined> {
  yield JSON.stringify(head);
  for await (const lot of lots) yield JSON.stringify(lot);
}

export function jsonBody(value: unknown): Body {
  const text = JSON.stringify(value);
  return {
    contentType: 'application/json',
    digest: sha256Hex(text),
    open: () => Promise.resolve(text),
    discard: () => Promise.resolve(),
  };
}

/** An Idempotency-Key. randomUUID() is absent on pages that came over plain http. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
