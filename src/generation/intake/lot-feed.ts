import { readLot, type RequestSink } from './request-sink.js';

const OPENING_BRACE = 0x7b;

/** Hands a splitter's lots to its sink, in order: usual lots as bytes, all others parsed. */
export class LotFeed {
  /** The number of lots handed on so far, which is also the index of the next one. */
  count = 0;

  constructor(private readonly sink: RequestSink) {}

  /**
   * Offers what begins at `start` to the reader of usual lots. Nothing is handed on yet, because only the splitter
   * knows whether a lot may end there.
   * @returns the position behind the lot's last byte, or -1 when it must be parsed
   */
  offer(bytes: Buffer, start: number): number {
    const { plainLots } = this.sink;
    return plainLots === undefined || bytes[start] !== OPENING_BRACE ? -1 : plainLots.read(bytes, start);
  }

  /** Hands on the lot that {@link offer} has just read from the same bytes. */
  take(bytes: Buffer): void {
    this.sink.plainLots?.keep(bytes);
    this.count++;
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
