import { MOST_ANSWER_BYTES } from '../../assessment/answer-bounds.js';

const NEWLINE = 0x0a;
/** An answer and what a batch's file puts around it; a "line" beyond this is no line of such a file. */
export const MOST_LINE_BYTES = MOST_ANSWER_BYTES + 64 * 1024;

/** A line without its newline, and the byte after that newline. */
export interface FileLine {
  /** Null: too long for a line of ours; it was passed over and not kept. */
  readonly bytes: Buffer | null;
  readonly end: number;
}

/** How much is read and kept. */
export interface SplitBounds {
  /** Bytes of the longest line that is handed over. */
  readonly line?: number;
  /** Bytes of the whole file that are read; what comes behind them is no part of it. */
  readonly file?: number;
}

/**
 * Splits a file's bytes at 0x0A and nowhere else: U+2028 inside a line is text (readline of Node 24 splits there). The
 * last line may lack its newline; empty ones are left out. Of a line that is too long nothing is kept: it costs its own
 * lot alone, and no memory.
 * @param start - the file's offset of the first byte
 */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  start: number,
  { line: mostLine = MOST_LINE_BYTES, file: mostFile = Number.POSITIVE_INFINITY }: SplitBounds = {},
): AsyncGenerator<FileLine, void, undefined> {
  let position = start;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const keep = (bytes: Buffer) => {
    pendingBytes += bytes.length;
    if (pendingBytes > mostLine) pending = [];
    else pending.push(bytes);
  };
  const take = (): Buffer | null => {
    const [only, ...others] = pending;
    const bytes = others.length === 0 ? (only ?? Buffer.alloc(0)) : Buffer.concat(pending);
    const isWhole = pendingBytes <= mostLine;
    position += pendingBytes;
    pending = [];
    pendingBytes = 0;
    return isWhole ? bytes : null;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      const isEmpty = pendingBytes === 0;
      const bytes = take();
      position += 1;
      from = at + 1;
      if (!isEmpty) yield { bytes, end: position };
    }
    if (from < chunk.length) keep(chunk.subarray(from));
    if (position + pendingBytes > mostFile) break;
  }
  if (pendingBytes > 0) {
    const bytes = take();
    yield { bytes, end: position };
  }
}
