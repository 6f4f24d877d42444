import { MOST_ANSWER_BYTES } from '../../assessment/answer-bounds.js';
import { CODES } from '../../common/character-codes.js';

const { LINE_FEED } = CODES;

/** The longest answer and what a batch's file puts around it. Anything longer is not a line of such a file. */
export const MOST_LINE_BYTES = MOST_ANSWER_BYTES + 64 * 1024;

/** A line without its newline, and the byte after that newline. */
export interface FileLine {
  /** Null for a line that was too long: it was skipped and not kept. */
  readonly bytes: Buffer | null;
  readonly end: number;
}

/** How much is read and kept, in bytes. */
export interface SplitBounds {
  /** The longest line that is handed over. */
  readonly line?: number;
  /** How much of the whole file is read; the rest is ignored. */
  readonly file?: number;
}

/**
 * Splits a file's bytes at 0x0A and nowhere else: U+2028 inside a line is text (readline of Node 24 splits there). The
 * last line may lack its newline; empty lines are left out. Nothing of a line that is too long is kept, so it takes no
 * memory, and only its own lot goes without an answer.
 * @param start - the offset of the first byte in the file
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
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
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
