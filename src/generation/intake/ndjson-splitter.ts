import { CODES } from '../../common/character-codes.js';
import { isObject, isDeeperThan, trim } from '../../common/json-tokens.js';
import { invalidJson, MAX_JSON_DEPTH, parseStrictJson, tooDeep } from '../../common/strict-json.js';
import { BegunBytes } from './begun-bytes.js';
import { ByteOrderMark } from './byte-order-mark.js';
import { LotFeed } from './lot-feed.js';
import {
  headTooLarge,
  lotTooLarge,
  MAX_HEAD_BYTES,
  MAX_LOT_BYTES,
  type RequestSink,
  type RequestSplitter,
} from './request-sink.js';

const { LINE_FEED } = CODES;

/**
 * Splits `application/x-ndjson`: the first line is the request without `lots`, each further line a lot. Lines end with
 * byte 0x0A (the last may lack it), blank ones are ignored.
 */
export class NdjsonSplitter implements RequestSplitter {
  private readonly mark = new ByteOrderMark();
  private readonly begunLine = new BegunBytes();
  private readonly feed: LotFeed;
  /** Bytes of the body before the current chunk. */
  private consumed = 0;
  private hasHead = false;

  constructor(private readonly sink: RequestSink) {
    this.feed = new LotFeed(sink);
  }

  write(chunk: Buffer): void {
    const bytes = this.mark.strip(chunk);
    this.consumed += chunk.length - bytes.length;
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      this.finishLine(bytes.subarray(start, end), this.consumed + start);
      start = end + 1;
    }
    this.keepPiece(bytes.subarray(start));
    this.consumed += bytes.length;
  }

  end(): void {
    this.finishLine(Buffer.alloc(0), this.consumed);
    if (!this.hasHead) throw invalidJson('The body is empty; its first line must be the request without lots.');
  }

  private finishLine(last: Buffer, lastOffset: number): void {
    const offset = lastOffset - this.begunLine.length;
    const source = trim(this.begunLine.endWith(last));
    if (source.length === 0) return;
    if (this.hasHead) this.emitLot(source, offset);
    else this.emitHead(source);
  }

  private emitHead(source: Buffer): void {
    if (source.length > MAX_HEAD_BYTES) throw headTooLarge();
    const members = parseStrictJson(source, 'The first line');
    if (!isObject(members)) throw invalidJson('The first line must be a JSON object: the request without lots.');
    if (Object.hasOwn(members, 'lots')) {
      throw invalidJson('The first line must not have the key "lots": each further line is a lot.');
    }
    this.hasHead = true;
    this.sink.onHead({ members, text: source.toString('utf8'), lots: 'streamed', lotsText: undefined });
  }

  private emitLot(source: Buffer, offset: number): void {
    if (this.feed.takeLine(source)) return;
    // Brackets and quotes are ASCII, whatever the encoding is. A line counts two levels less than the same lot inside of `lots` would.
    if (isDeeperThan(MAX_JSON_DEPTH, source.toString('latin1'))) {
      throw tooDeep(`lots[${this.feed.count}], which starts at byte ${offset},`);
    }
    this.feed.parse(source, offset);
  }

  private keepPiece(piece: Buffer): void {
    if (piece.length === 0) return;
    const bytes = this.begunLine.length + piece.length;
    if (this.hasHead && bytes > MAX_LOT_BYTES) throw lotTooLarge(this.feed.count);
    if (!this.hasHead && bytes > MAX_HEAD_BYTES) throw headTooLarge();
    this.begunLine.add(piece);
  }
}
