import { ServiceError } from '../../src/common/service-error.js';
import { LotSplitter } from '../../src/generation/intake/lot-splitter.js';
import { NdjsonSplitter } from '../../src/generation/intake/ndjson-splitter.js';
import type { SentHead, RequestSplitter } from '../../src/generation/intake/request-sink.js';

export interface SplitRequest {
  head: SentHead | undefined;
  lots: unknown[];
  texts: string[];
  /** Whether the head came before the first lot. */
  headFirst: boolean;
}

/** Splits `body` in chunks of `size` bytes, each in memory of its own that is overwritten afterwards. */
export function split(body: Buffer | string, size = 65_536, format: 'json' | 'ndjson' = 'json'): SplitRequest {
  const result: SplitRequest = { head: undefined, lots: [], texts: [], headFirst: false };
  const sink = {
    onHead: (head: SentHead) => {
      result.head = head;
      result.headFirst = result.lots.length === 0;
    },
    onLot: (lot: { index: number; text: string; bytes: Buffer; value: unknown }) => {
      if (lot.index !== result.lots.length) throw new Error('lots came out of order');
      if (lot.bytes.toString('utf8') !== lot.text) throw new Error('bytes and text differ');
      result.lots.push(lot.value);
      result.texts.push(lot.text);
    },
  };
  const splitter: RequestSplitter = format === 'json' ? new LotSplitter(sink) : new NdjsonSplitter(sink);
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  for (let start = 0; start < bytes.length; start += size) {
    const chunk = Buffer.from(bytes.subarray(start, start + size));
    splitter.write(chunk);
    chunk.fill(0x21);
  }
  splitter.end();
  return result;
}

/** The error that splitting ends with; fails when it ends well. */
export function refusal(body: Buffer | string, size = 65_536, format: 'json' | 'ndjson' = 'json'): ServiceError {
  try {
    split(body, size, format);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error(`accepted in chunks of ${size}: ${body.toString().slice(0, 200)}`);
}
