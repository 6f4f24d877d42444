const NEWLINE = 0x0a;
/** An answer of 128k output tokens is under 1 MB; a "line" beyond this is no line of a batch's file. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** A line without its newline, and the byte after that newline. */
export interface FileLine {
  /** Null: too long for a line of ours; it was passed over and not kept. */
  readonly bytes: Buffer | null;
  readonly end: number;
}

/**
 * Splits a file's bytes at 0x0A and nowhere else: U+2028 inside a line is text (readline of Node 24 splits there). The
 * last line may lack its newline; empty ones are left out.
 * @param start - the file's offset of the first byte
 * @param most - bytes of the longest line that is handed over
 */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  start: number,
  most = MAX_LINE_BYTES,
): AsyncGenerator<FileLine, void, undefined> {
  let position = start;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const head = chunk.subarray(from, at);
      const length = pendingBytes + head.length;
      const bytes = length > most ? null : pending.length === 0 ? head : Buffer.concat([...pending, head]);
      position += length + 1;
      pending = [];
      pendingBytes = 0;
      from = at + 1;
      if (length > 0) yield { bytes, end: position };
    }
    if (from < chunk.length) {
      pendingBytes += chunk.length - from;
      // It costs its own lot alone, and no memory.
      if (pendingBytes > most) pending = [];
      else pending.push(chunk.subarray(from));
    }
  }
  if (pendingBytes > 0) {
    yield { bytes: pendingBytes > most ? null : Buffer.concat(pending), end: position + pendingBytes };
  }
}
