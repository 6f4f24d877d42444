const START_BYTES = 1024 * 1024;
/** A buffer of this size goes out in one write of the upload; a larger one would only take memory. */
const FULL_BYTES = 512 * 1024;
const TAIL = Buffer.from('}\n');

/**
 * Builds the lines of a batch's input in one buffer. Prompt and schema are copied as bytes, not serialized for each
 * line.
 */
export class LineWriter {
  private buffer = Buffer.allocUnsafe(START_BYTES);
  private length = 0;

  get full(): boolean {
    return this.length >= FULL_BYTES;
  }

  /** @returns the length of the line in bytes, newline included */
  add(customId: string, prefix: Buffer, middle: string, suffix: Buffer): number {
    const head = `{"custom_id":"${customId}","method":"POST","url":"/v1/responses","body":`;
    this.reserve(head.length + prefix.length + middle.length * 3 + suffix.length + TAIL.length);
    const start = this.length;
    this.length += this.buffer.write(head, this.length, 'latin1');
    this.copy(prefix);
    this.length += this.buffer.write(middle, this.length, 'utf8');
    this.copy(suffix);
    this.copy(TAIL);
    return this.length - start;
  }

  /** Removes the last line again. */
  drop(bytes: number): void {
    this.length -= bytes;
  }

  /** Returns the lines so far; from then on the buffer belongs to the caller. */
  take(): Buffer {
    const lines = this.buffer.subarray(0, this.length);
    this.buffer = Buffer.allocUnsafe(START_BYTES);
    this.length = 0;
    return lines;
  }

  private copy(bytes: Buffer): void {
    this.length += bytes.copy(this.buffer, this.length);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + bytes));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
