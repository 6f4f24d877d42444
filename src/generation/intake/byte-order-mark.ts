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
