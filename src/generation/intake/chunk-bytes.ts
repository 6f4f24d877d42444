import { invalidJson } from '../../common/strict-json.js';

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Removes a byte order mark from the start of a body, even if it is split over chunks. */
export class ByteOrderMark {
  private matched = 0;
  private passed = false;

  /** The chunk without the part of it that belongs to the mark. */
  strip(chunk: Buffer): Buffer {
    let position = 0;
    while (!this.passed && position < chunk.length) {
      if (chunk[position] === BYTE_ORDER_MARK[this.matched]) {
        position++;
        this.matched++;
        this.passed = this.matched === BYTE_ORDER_MARK.length;
      } else {
        if (this.matched > 0) throw invalidJson('The body does not start with valid UTF-8.');
        this.passed = true;
      }
    }
    return position === 0 ? chunk : chunk.subarray(position);
  }
}

/** The bytes of something that began in an earlier chunk. The caller limits their number. */
export class BegunBytes {
  /** The number of bytes kept. */
  length = 0;
  private pieces: Buffer[] = [];

  add(piece: Buffer): void {
    this.length += piece.length;
    // A copy: the source of the chunk may use its memory again.
    this.pieces.push(Buffer.from(piece));
  }

  /** All kept bytes followed by the last ones (a view of these when nothing was kept). Afterwards nothing is kept. */
  endWith(last: Buffer): Buffer {
    if (this.length === 0) return last;
    const whole = Buffer.concat([...this.pieces, last]);
    this.pieces = [];
    this.length = 0;
    return whole;
  }
}
