import { CODES } from '../../common/character-codes.js';
import { isObject, isSpace, trim } from '../../common/json-tokens.js';
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

const { BACKSLASH, CLOSING_BRACE, CLOSING_BRACKET, COLON, COMMA, OPENING_BRACE, OPENING_BRACKET, QUOTE } = CODES;

/** How many brackets are open around the elements of `lots`: the body's own and the array's. */
const LOTS_DEPTH = 2;

/** The length of `lots` with every character written as \uXXXX; a longer key cannot be `lots`. */
const MAX_LOTS_KEY = 24;

/** What comes next at the top level of the body. */
type Expected = 'body' | 'key' | 'colon' | 'value' | 'rest' | 'nothing';

/**
 * Splits `{…, "lots": [lot, lot, …], …}` into lots and the rest without holding the body.
 *
 * It only follows strings and brackets. JSON.parse checks the syntax of each lot by itself and of the rest with `[]` in
 * place of the lots. So every byte is parsed strictly, and the error of one lot is reported for that lot.
 */
export class LotSplitter implements RequestSplitter {
  private readonly mark = new ByteOrderMark();
  private readonly head: Buffer[] = [];
  private headBytes = 0;
  /** Bytes of the body before the current chunk. */
  private consumed = 0;

  private depth = 0;
  private inString = false;
  private escaped = false;

  private expected: Expected = 'body';
  private key = '';
  private lots: 'streamed' | 'missing' | 'other' = 'missing';
  /** The range in the head of a `lots` that is not an array. */
  private otherLots: { start: number; end?: number } | undefined;

  private inLots = false;
  private readonly feed: LotFeed;
  private readonly begunLot = new BegunBytes();
  private lotOpen = false;
  private afterComma = false;

  constructor(private readonly sink: RequestSink) {
    this.feed = new LotFeed(sink);
  }

  write(chunk: Buffer): void {
    const bytes = this.mark.strip(chunk);
    this.consumed += chunk.length - bytes.length;
    let position = 0;
    while (position < bytes.length) {
      position = this.inLots ? this.scanLots(bytes, position) : this.scanHead(bytes, position);
    }
    this.consumed += bytes.length;
  }

  end(): void {
    if (this.expected === 'body') throw invalidJson('The body is empty; a JSON object is expected.');
    if (this.expected !== 'nothing') throw invalidJson(`The body ends inside its JSON, after byte ${this.consumed}.`);
    const bytes = Buffer.concat(this.head, this.headBytes);
    const members = parseStrictJson(bytes, 'The request without its lots');
    if (!isObject(members))
      throw invalidJson('The body must be a JSON object in UTF-8: {"version": …, "languages": […], "lots": […]}.');
    if (this.lots === 'streamed') delete members.lots;
    const lotsText =
      this.otherLots === undefined
        ? undefined
        : bytes.toString('utf8', this.otherLots.start, this.otherLots.end).trim();
    this.sink.onHead({ members, text: bytes.toString('utf8'), lots: this.lots, lotsText });
  }

  /** Scans outside of `lots`; returns where it stopped: at the end of the chunk, or behind the array's bracket. */
  private scanHead(chunk: Buffer, from: number): number {
    for (let position = from; position < chunk.length; position++) {
      const byte = chunk[position] as number;
      if (this.inString) {
        this.scanString(byte);
        continue;
      }
      if (isSpace(byte)) continue;
      if (this.expected === 'nothing')
        throw invalidJson(`There is more text after the JSON, at byte ${this.consumed + position}.`);
      if (this.expected === 'value' && this.key === 'lots' && this.meetLots(byte, position - from)) {
        this.keepHead(chunk.subarray(from, position));
        this.keepHead(EMPTY_ARRAY);
        return position + 1;
      }
      this.scanToken(byte, position - from, this.consumed + position);
    }
    this.keepHead(chunk.subarray(from));
    return chunk.length;
  }

  private scanString(byte: number): void {
    if (this.expected === 'key' && this.key.length <= MAX_LOTS_KEY) this.key += String.fromCharCode(byte);
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) {
      this.inString = false;
      if (this.expected === 'key') this.endKey();
    }
  }

  /** @param place - of the byte, counted from what the head has so far */
  private scanToken(byte: number, place: number, offset: number): void {
    // Checked here and not by JSON.parse, because with a missing key the lots would be taken for a part of the head.
    if (this.expected === 'key' && byte !== QUOTE && byte !== CLOSING_BRACE) {
      throw invalidJson(`A key in double quotes is expected at byte ${offset}.`);
    }
    if (this.expected === 'colon' && byte !== COLON) throw invalidJson(`A colon is expected at byte ${offset}.`);
    switch (byte) {
      case OPENING_BRACE:
      case OPENING_BRACKET:
        if (this.depth === 0 && byte === OPENING_BRACKET)
          throw invalidJson('The body must be a JSON object in UTF-8: {"version": …, "languages": […], "lots": […]}.');
        this.expected = this.depth === 0 ? 'key' : 'rest';
        if (++this.depth > MAX_JSON_DEPTH) throw tooDeep(`The body, at byte ${offset},`);
        return;
      case CLOSING_BRACE:
      case CLOSING_BRACKET:
        this.endOtherLots(place);
        if (--this.depth === 0) this.expected = 'nothing';
        return;
      case COMMA:
        if (this.depth === 1) {
          this.endOtherLots(place);
          this.expected = 'key';
        }
        return;
      case COLON:
        if (this.expected === 'colon') this.expected = 'value';
        return;
      default:
        if (this.depth === 0)
          throw invalidJson('The body must be a JSON object in UTF-8: {"version": …, "languages": […], "lots": […]}.');
        if (byte === QUOTE) this.inString = true;
        if (byte === QUOTE && this.expected === 'key') this.key = '';
        else this.expected = 'rest';
    }
  }

  private endKey(): void {
    const source = this.key.slice(0, -1);
    this.key = source === 'lots' || isEscapedLots(source) ? 'lots' : '';
    this.expected = 'colon';
  }

  /** The first byte of the value of `lots`; true when it begins the array. */
  private meetLots(byte: number, place: number): boolean {
    if (this.lots !== 'missing') throw invalidJson('The body has the key "lots" twice.');
    this.key = '';
    if (byte === OPENING_BRACKET) {
      this.lots = 'streamed';
      this.expected = 'rest';
      this.inLots = true;
      this.depth = LOTS_DEPTH;
      return true;
    }
    this.lots = 'other';
    this.otherLots = { start: this.headBytes + place };
    return false;
  }

  private endOtherLots(place: number): void {
    if (this.depth === 1 && this.otherLots !== undefined) this.otherLots.end ??= this.headBytes + place;
  }

  private keepHead(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.headBytes += bytes.length;
    if (this.headBytes > MAX_HEAD_BYTES) throw headTooLarge();
    // A copy, so that a few bytes of head do not keep a whole chunk of lots in memory.
    this.head.push(Buffer.from(bytes));
  }

  /** Scans inside of `lots`; returns where it stopped: at the end of the chunk, or behind the array's bracket. */
  private scanLots(chunk: Buffer, from: number): number {
    // Local variables, because this loop runs for every byte of the lots.
    let { depth, inString, escaped } = this;
    let start = this.lotOpen ? from : -1;
    for (let position = from; position < chunk.length; position++) {
      const byte = chunk[position] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      // A short cut for most lots; without these lines every lot is read below.
      if (byte === OPENING_BRACE && depth === LOTS_DEPTH && start < 0) {
        const end = this.feed.takeElement(chunk, position);
        if (end >= 0) {
          this.afterComma = chunk[end] === COMMA;
          if (!this.afterComma) {
            this.leaveLots();
            return end + 1;
          }
          position = end;
          continue;
        }
      }
      if (byte === QUOTE) inString = true;
      else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
        if (++depth > MAX_JSON_DEPTH) throw tooDeep(`lots[${this.feed.count}], at byte ${this.consumed + position},`);
      } else if (depth === LOTS_DEPTH) {
        if (isSpace(byte)) continue;
        if (byte === COMMA || byte === CLOSING_BRACKET) {
          const isEmptyArray = byte === CLOSING_BRACKET && start < 0 && this.feed.count === 0 && !this.afterComma;
          if (!isEmptyArray) this.finishLot(chunk, start, position);
          start = -1;
          if (byte === CLOSING_BRACKET) {
            this.leaveLots();
            return position + 1;
          }
          this.afterComma = true;
          continue;
        }
        if (byte === CLOSING_BRACE) throw invalidJson(`A bracket does not match at byte ${this.consumed + position}.`);
      } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) depth--;
      if (start < 0) start = position;
    }
    this.depth = depth;
    this.inString = inString;
    this.escaped = escaped;
    this.keepLotPiece(chunk, start);
    return chunk.length;
  }

  private leaveLots(): void {
    this.inLots = false;
    this.depth = LOTS_DEPTH - 1;
    // The loop keeps these in local variables, so the values from the start of the chunk are outdated.
    this.inString = false;
    this.escaped = false;
  }

  private finishLot(chunk: Buffer, start: number, end: number): void {
    if (start < 0) throw invalidJson(`A lot is missing before byte ${this.consumed + end}.`);
    const offset = this.consumed + start - this.begunLot.length;
    const source = this.begunLot.endWith(chunk.subarray(start, end));
    this.lotOpen = false;
    this.feed.parse(trim(source), offset);
  }

  private keepLotPiece(chunk: Buffer, start: number): void {
    this.lotOpen = start >= 0;
    if (!this.lotOpen) return;
    const piece = chunk.subarray(start);
    if (this.begunLot.length + piece.length > MAX_LOT_BYTES) throw lotTooLarge(this.feed.count);
    this.begunLot.add(piece);
  }
}

const EMPTY_ARRAY = Buffer.from('[]');

function isEscapedLots(source: string): boolean {
  if (!source.includes('\\') || source.length > MAX_LOTS_KEY) return false;
  try {
    return JSON.parse(`"${source}"`) === 'lots';
  } catch {
    // JSON.parse of the whole head reports what is wrong with the key.
    return false;
  }
}
