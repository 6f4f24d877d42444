import { CODES } from '../common/character-codes.js';
import { isUnstorable } from './storable-text.js';

const { BACKSLASH, CARRIAGE_RETURN, LINE_FEED, TAB } = CODES;

const NULL_FIELD = Buffer.from('\\N');
const START_BYTES = 64 * 1024;

/** A character that text in PostgreSQL cannot hold. */
export class NulByteError extends Error {
  override name = 'NulByteError';

  constructor() {
    super('text for PostgreSQL must not hold the NUL character');
  }
}

/**
 * Encodes rows for COPY's text format into one growing buffer, without a string or an array per row.
 * Call the field methods in the order of the columns, then {@link endRow}; {@link take} hands the rows over.
 * A field that cannot be encoded throws, and its whole row is dropped. Otherwise the fields before it would become the
 * beginning of the next row, and one bad value would spoil every row after it.
 */
export class CopyEncoder {
  private buffer: Buffer;
  private length = 0;
  private rowStart = 0;

  /** @param startBytes - what it holds before it must grow */
  constructor(private readonly startBytes = START_BYTES) {
    this.buffer = Buffer.allocUnsafe(startBytes);
  }

  /** Bytes of the rows that wait to be taken. */
  get size(): number {
    return this.length;
  }

  /** @throws NulByteError */
  text(value: string | null): this {
    if (value === null) return this.ready(NULL_FIELD);
    this.separate();
    // UTF-16 code units become at most 3 bytes each, and escaping doubles only single bytes.
    this.reserve(value.length * 3 + 1);
    const start = this.length;
    this.length += this.buffer.write(value, start, 'utf8');
    this.escapeFrom(start);
    return this;
  }

  integer(value: number | null): this {
    if (value === null) return this.ready(NULL_FIELD);
    if (!Number.isSafeInteger(value)) this.refuse(new RangeError('a column of whole numbers got a value that is none'));
    return this.ascii(String(value));
  }

  boolean(value: boolean): this {
    return this.ascii(value ? 't' : 'f');
  }

  /** A value as JSON text: `json` and `jsonb` columns. Undefined and null become SQL's NULL. */
  json(value: unknown): this {
    return this.text(value === undefined || value === null ? null : this.jsonText(value));
  }

  /** Bytes of a larger buffer that need no escaping, as one field. */
  readyRange(source: Uint8Array, from: number, to: number): this {
    this.separate();
    this.reserve(to - from + 1);
    const { buffer } = this;
    let length = this.length;
    // A loop, because making a view for a native copy of some 100 bytes takes longer.
    for (let at = from; at < to; at++) buffer[length++] = source[at] as number;
    this.length = length;
    return this;
  }

  /** Bytes that need no escaping, spliced in as they are: a field or several (tabs between) of an earlier encoding. */
  ready(value: Uint8Array): this {
    this.separate();
    this.reserve(value.length + 1);
    this.buffer.set(value, this.length);
    this.length += value.length;
    return this;
  }

  endRow(): this {
    this.reserve(1);
    this.buffer[this.length++] = LINE_FEED;
    this.rowStart = this.length;
    return this;
  }

  /**
   * Drops the rows since the encoder had this size, and the fields of a row that was begun.
   * @param size - what {@link size} was after an {@link endRow}, with nothing taken since
   */
  dropTo(size: number): void {
    this.length = size;
    this.rowStart = size;
  }

  /** The whole rows so far. The encoder goes on with a new buffer, so the caller may keep these bytes. */
  take(): Buffer {
    const rows = this.buffer.subarray(0, this.rowStart);
    const rest = this.buffer.subarray(this.rowStart, this.length);
    this.buffer = Buffer.allocUnsafe(Math.max(this.startBytes, rest.length));
    rest.copy(this.buffer);
    this.length = rest.length;
    this.rowStart = 0;
    return rows;
  }

  /**
   * Hands the whole rows to `write` and uses the same memory for the next ones. A large request fills it hundreds of
   * times, and with a new buffer each time up to 60 MB would wait for the garbage collector.
   * @param write - has finished with the bytes when it resolves; nothing may be added before that
   */
  async writeTo(write: (rows: Buffer) => Promise<unknown>): Promise<void> {
    await write(this.buffer.subarray(0, this.rowStart));
    this.buffer.copyWithin(0, this.rowStart, this.length);
    this.length -= this.rowStart;
    this.rowStart = 0;
  }

  private refuse(error: Error): never {
    this.length = this.rowStart;
    throw error;
  }

  private jsonText(value: unknown): string {
    let text: string | undefined;
    try {
      text = JSON.stringify(value) as string | undefined;
    } catch (error) {
      this.refuse(error as Error);
    }
    if (text === undefined) this.refuse(new RangeError('a column of JSON got a value that JSON cannot hold'));
    // PostgreSQL takes an escaped NUL, or half of a pair, into json and fails when the text is read later.
    if (isUnstorable(value, text)) this.refuse(new NulByteError());
    return text;
  }

  private ascii(value: string): this {
    this.separate();
    this.reserve(value.length + 1);
    this.length += this.buffer.write(value, this.length, 'latin1');
    return this;
  }

  private separate(): void {
    if (this.length === this.rowStart) return;
    this.reserve(1);
    this.buffer[this.length++] = TAB;
  }

  /** Escapes in place what was just written from `start` on; most fields need nothing and cost one scan. */
  private escapeFrom(start: number): void {
    const end = this.length;
    let escapes = 0;
    for (let at = start; at < end; at++) {
      const byte = this.buffer[at] as number;
      if (byte === 0) this.refuse(new NulByteError());
      if (byte === BACKSLASH || (byte <= CARRIAGE_RETURN && escapeOf(byte) !== 0)) escapes++;
    }
    if (escapes === 0) return;
    this.reserve(escapes);
    this.length = end + escapes;
    // From the end backwards, so that nothing is overwritten before it was moved.
    for (let from = end - 1, to = this.length - 1; from >= start; from--, to--) {
      const byte = this.buffer[from] as number;
      const escape = byte === BACKSLASH ? BACKSLASH : escapeOf(byte);
      this.buffer[to] = escape === 0 ? byte : escape;
      if (escape !== 0) this.buffer[--to] = BACKSLASH;
    }
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + bytes));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}

/** The letter after the backslash, or 0 for a byte that stands for itself. */
function escapeOf(byte: number): number {
  if (byte === TAB) return 0x74;
  if (byte === LINE_FEED) return 0x6e;
  if (byte === CARRIAGE_RETURN) return 0x72;
  return 0;
}
