import { readLot, type RequestSink } from './request-sink.js';

/** Hands a splitter's lots to its sink, in order. */
export class LotFeed {
  /** The number of lots handed on so far, which is also the index of the next one. */
  count = 0;

  constructor(private readonly sink: RequestSink) {}

  /** Hands on an element of `lots` the fast way; as {@link FastLots.takeElement}. */
  takeElement(chunk: Buffer, start: number): number {
    const end = this.sink.fastLots?.takeElement(chunk, start) ?? -1;
    if (end >= 0) this.count++;
    return end;
  }

  /** Hands on a line the fast way; as {@link FastLots.takeLine}. */
  takeLine(line: Buffer): boolean {
    const taken = this.sink.fastLots?.takeLine(line) ?? false;
    if (taken) this.count++;
    return taken;
  }

  /**
   * Hands on a lot of any kind.
   * @param source - without white space around it
   * @param offset - where it starts in the decoded body, for messages
   * @throws ServiceError INVALID_JSON, BODY_TOO_LARGE, or what the sink throws
   */
  parse(source: Buffer, offset: number): void {
    this.sink.onLot(readLot(source, this.count, offset));
    this.count++;
  }
}
