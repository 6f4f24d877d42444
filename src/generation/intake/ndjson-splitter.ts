import { invalidJson, MAX_JSON_DEPTH, parseStrictJson, tooDeep } from '../../common/strict-json.js';
import { trim } from './json-space.js';
import {
  ByteOrderMark,
  headTooLarge,
  isObject,
  lotTooLarge,
  MAX_HEAD_BYTES,
  MAX_LOT_BYTES,
  readLot,
} from './request-sink.js';
import type { RequestSink, RequestSplitter } from './request-sink.js';

const LINE_FEED = 0x0a;
const OPENING_BRACE = 0x7b;

/**
 * Splits `application/x-ndjson`: the first line is the request without `lots`, each further line a lot. Lines end with
 * byte 0x0A (the last may lack it), blank ones are ignored.
 */
export class NdjsonSplitter implements RequestSplitter {
  private readonly mark = new ByteOrderMark();
  /** The begun line's bytes from earlier chunks. */
  private pieces: Buffer[] = [];
  private pieceBytes = 0;
  private consumed = 0;
  private hasHead = false;
  private lotCount = 0;

  constructor(private readonly sink: RequestSink) {}

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
    const line = this.pieceBytes === 0 ? last : Buffer.concat([...this.pieces, last]);
    const offset = lastOffset - this.pieceBytes;
    this.pieces = [];
    this.pieceBytes = 0;
    const source = trim(line);
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
    const lots = this.sink.plainLots;
    if (source[0] === OPENING_BRACE && lots?.read(source, 0) === source.length) {
      lots.keep(source);
      this.lotCount++;
      return;
    }
    if (isTooDeep(source)) throw tooDeep(`lots[${this.lotCount}], which starts at byte ${offset},`);
    this.sink.onLot(readLot(source, this.lotCount, offset));
    this.lotCount++;
  }

  private keepPiece(piece: Buffer): void {
    if (piece.length === 0) return;
    this.pieceBytes += piece.length;
    if (this.hasHead && this.pieceBytes > MAX_LOT_BYTES) throw lotTooLarge(this.lotCount);
    if (!this.hasHead && this.pieceBytes > MAX_HEAD_BYTES) throw headTooLarge();
    // A copy: the source of the chunk may use its memory again.
    this.pieces.push(Buffer.from(piece));
  }
}

/** A line counts two levels less than the same lot inside of `lots` would. */
function isTooDeep(source: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let position = 0; position < source.length; position++) {
    const byte = source[position];
    if (inString) {
      if (byte === 0x5c) position++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}
