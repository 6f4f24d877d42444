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
