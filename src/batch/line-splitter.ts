import { MOST_ANSWER_BYTES } from '../assessment/answer-bounds.js';

const NEWLINE = 0x0a;
/** An answer and what a batch's file puts around it; a "line" beyond this is no line of such a file. */
export const MOST_LINE_BYTES = MOST_ANSWER_BYTES + 64 * 1024;

/** A line without its newline, and the byte after that newline. */
export interface FileLine {
  readonly bytes: Buffer;
  readonly end: number;
}

/**
 * Splits a file's bytes at 0x0A and nowhere else: U+2028 inside a line is text (readline of Node 24 splits there). The
 * last line may lack its newline; empty ones are left out. Of a line that is too long no more is kept than its beginning,
 * which nobody can read: its lot has no answer, as if the line had never come.
 * @param start - the file's offset of the first byte
 * @param most - bytes of the whole file that are read; what comes behind them is no part of it
 */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  start: number,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<FileLine, void, undefined> {
  let position = start;
  let pending: Buffer[] = [];
  let kept = 0;
  let pendingBytes = 0;
  const keep = (bytes: Buffer) => {
    pendingBytes += bytes.length;
    if (kept <= MOST_LINE_BYTES) pending.push(bytes);
    if (kept <= MOST_LINE_BYTES) kept += bytes.length;
  };
  const take = () => {
    const bytes = pending.length === 1 ? (pending[0] as Buffer) : Buffer.concat(pending);
    position += pendingBytes;
    pending = [];
    kept = 0;
    pendingBytes = 0;
    return bytes.length > MOST_LINE_BYTES ? bytes.subarray(0, HEAD_BYTES) : bytes;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      const bytes = take();
      position += 1;
      from = at + 1;
      if (bytes.length > 0) yield { bytes, end: position };
    }
    if (from < chunk.length) keep(chunk.subarray(from));
    if (position + pendingBytes > most) break;
  }
  if (pendingBytes > 0) {
    const bytes = take();
    yield { bytes, end: position };
  }
}

const HEAD_BYTES = 256;
