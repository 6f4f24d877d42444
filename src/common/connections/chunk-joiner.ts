const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const MESSAGE_END = '\r\n\r\n';
/** The size of a joined chunk in hexadecimal, with leading zeros, and the end of its line. */
const SIZE_DIGITS = 8;
const SIZE_LINE_BYTES = SIZE_DIGITS + 2;
const MAX_SIZE = 2 ** 48;
/** The longest line with a chunk's size and its extensions, which is Node's limit too. */
const MAX_LINE_BYTES = 16 * 1024;
/** Up to this many bytes are copied one by one, because a call to copy() takes longer for so few. */
const FEW_BYTES = 32;
/** Never a valid chunk size, so Node's parser refuses it like any other invalid body. */
const REFUSED = Buffer.from('!');
const NOTHING = Buffer.alloc(0);

const EXTENSIONS = /^(?:;[!#$%&'*+.^_`|~\w-]+(?:=(?:[!#$%&'*+.^_`|~\w-]+|"(?:[^"\\\r\n]|\\[^\r\n])*"))?)+$/;

/** What to parse in place of the first `length` bytes that were received. */
export interface Joined {
  readonly bytes: Buffer;
  readonly length: number;
}

/**
 * Rewrites a chunked body so that all data received together forms one chunk. Node's parser needs as much time and
 * memory for a chunk of one byte as for one of 64 KB, so a body in one-byte chunks cost a thousand times its size.
 */
export class ChunkJoiner {
  private state: 'size' | 'data' | 'afterData' | 'over' = 'size';
  /** Bytes of the current chunk that are still to come. */
  private left = 0;
  /** The beginning of a line whose end has not arrived yet. */
  private carried: Buffer = NOTHING;

  /** Takes the bytes received next. It stops at the end of the body, where another request may begin. */
  join(came: Buffer): Joined {
    if (this.state === 'over') return this.rest(came, 0, 0);
    const carriedBytes = this.carried.length;
    const input = carriedBytes === 0 ? came : Buffer.concat([this.carried, came]);
    this.carried = NOTHING;
    const output = Buffer.allocUnsafe(SIZE_LINE_BYTES + input.length + 2);
    let data = 0;
    let at = 0;
    while (at < input.length) {
      if (this.state === 'data') {
        const bytes = Math.min(this.left, input.length - at);
        copy(input, at, output, SIZE_LINE_BYTES + data, bytes);
        data += bytes;
        at += bytes;
        this.left -= bytes;
        if (this.left === 0) this.state = 'afterData';
        continue;
      }
      const end = this.state === 'afterData' ? lineEnd(input, at, at) : this.readSize(input, at);
      if (end === 'later' && input.length - at <= MAX_LINE_BYTES) {
        this.carried = Buffer.from(input.subarray(at));
        break;
      }
      if (typeof end === 'string') {
        this.state = 'over';
        return { bytes: Buffer.concat([asChunk(output, data), REFUSED]), length: came.length };
      }
      if (this.state === 'size' && this.left === 0) {
        this.state = 'over';
        const { bytes, length } = this.rest(input, at, carriedBytes);
        return { bytes: Buffer.concat([asChunk(output, data), bytes]), length };
      }
      this.state = this.state === 'size' ? 'data' : 'size';
      at = end;
    }
    return { bytes: asChunk(output, data), length: came.length };
  }

  /** The last chunk and the trailer fields after it, as they were received. */
  private rest(input: Buffer, from: number, carriedBytes: number): Joined {
    const found = input.indexOf(MESSAGE_END, from);
    const end = found < 0 ? input.length : found + MESSAGE_END.length;
    return { bytes: input.subarray(from, end), length: end - carriedBytes };
  }

  /** Reads the line of a chunk's size into `left`. @returns where the next line begins */
  private readSize(input: Buffer, from: number): number | 'later' | 'wrong' {
    let at = from;
    let size = 0;
    for (; at < input.length; at++) {
      const digit = hexDigit(input[at] as number);
      if (digit < 0) break;
      size = size * 16 + digit;
      if (size > MAX_SIZE) return 'wrong';
    }
    if (at === input.length) return 'later';
    if (at === from) return 'wrong';
    this.left = size;
    if (input[at] !== SEMICOLON) return lineEnd(input, at, at);
    const feed = input.indexOf(LF, at);
    if (feed < 0) return 'later';
    return EXTENSIONS.test(input.toString('latin1', at, feed - 1)) ? lineEnd(input, feed - 1, at) : 'wrong';
  }
}

/** Where the next line begins, if this one ends at `at` as required. */
function lineEnd(input: Buffer, at: number, least: number): number | 'later' | 'wrong' {
  if (at < least || input[at] !== CR) return 'wrong';
  if (at + 1 === input.length) return 'later';
  return input[at + 1] === LF ? at + 2 : 'wrong';
}

/** Writes the line with the size before the data, and the end of the chunk after it. */
function asChunk(output: Buffer, data: number): Buffer {
  if (data === 0) return NOTHING;
  output.write(`${data.toString(16).padStart(SIZE_DIGITS, '0')}\r\n`, 0, 'latin1');
  output.write('\r\n', SIZE_LINE_BYTES + data, 'latin1');
  return output.subarray(0, SIZE_LINE_BYTES + data + 2);
}

function copy(from: Buffer, start: number, to: Buffer, at: number, bytes: number): void {
  if (bytes > FEW_BYTES) from.copy(to, at, start, start + bytes);
  else for (let index = 0; index < bytes; index++) to[at + index] = from[start + index] as number;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
