const NEWLINE = 0x0a;
/** An answer of 128k output tokens is under 1 MB; a "line" beyond this is no line of a batch's file. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** A line without its newline, and the byte after that newline. */
export interface FileLine {
  readonly bytes: Buffer;
  readonly end: number;
}

/**
 * Splits a file's bytes at 0x0A and nowhere else: U+2028 inside a line is text (readline of Node 24 splits there). The
 * last line may lack its newline; empty ones are left out.
 * @param start - the file's offset of the first byte
 */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  start: number,
): AsyncGenerator<FileLine, void, undefined> {
  let position = start;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const head = chunk.subarray(from, at);
      const bytes = pending.length === 0 ? head : Buffer.concat([...pending, head]);
      position += pendingBytes + head.length + 1;
      pending = [];
      pendingBytes = 0;
      from = at + 1;
      if (bytes.length > 0) yield { bytes, end: position };
    }
    if (from < chunk.length) {
      pending.push(chunk.subarray(from));
      pendingBytes += chunk.length - from;
      if (pendingBytes > MAX_LINE_BYTES) throw new RangeError('a line of a batch file is too long');
    }
  }
  if (pendingBytes > 0) yield { bytes: Buffer.concat(pending), end: position + pendingBytes };
}
