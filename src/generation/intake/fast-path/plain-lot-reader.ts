import { isUtf8 } from 'node:buffer';
import { canonicalValue } from '../../../auth/canonical-json.js';
import { CODES } from '../../../common/character-codes.js';
import { characters, isStorable } from '../../request/field-problems.js';
import { MAX_INFO, MAX_LOT_ID } from '../../request/lot-rules.js';
import type { PlainUrls } from './plain-urls.js';

const { QUOTE, COMMA, COLON, BACKSLASH, DELETE } = CODES;
const { OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE } = CODES;
const { SPACE, TAB, LINE_FEED, CARRIAGE_RETURN } = CODES;

const LOT_ID = Buffer.from('"lot_id"');
const INFO = Buffer.from('"additional_info"');
const IMAGES = Buffer.from('"images"');
const WEBHOOK = Buffer.from('"webhook"');
const URL_KEY = Buffer.from('"url"');
const NULL = Buffer.from('null');

/** 1: stands for itself in JSON, in the canonical form and in COPY's text format. */
const SELF = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= SPACE && byte < DELETE && byte !== QUOTE && byte !== BACKSLASH),
);

/** A range of the bytes read, quotes included. When it is absent, `from` is -1. */
interface Token {
  from: number;
  to: number;
}

/**
 * Reads the usual lot straight from its bytes: the members that the contract names, each once, of the usual types, and
 * valid by every rule. It leaves everything else to the general way, so its result is either correct or absent.
 * JSON.parse, the rules and JSON.stringify on every lot took 2.4 s for 50,000 lots × 20 photos; this takes 0.4 s.
 */
export class PlainLotReader {
  lotId = '';
  /**
   * Text that COPY must escape or that is not ASCII; null when `infoFrom` says where the text is, or when there is
   * none.
   */
  additionalInfo: string | null = null;
  /** The range of text that needs no escaping in the bytes, without its quotes; -1 when it needs some. */
  infoFrom = -1;
  infoTo = -1;
  /** Its length in Unicode characters. */
  infoCharacters = 0;
  webhook: string | null = null;
  imageCount = 0;

  /** A hash of each photo's address: two equal ones may be the same photo named twice. */
  private readonly marks: number[] = [];
  private images = new Uint8Array(16 * 1024);
  private imagesLength = 0;
  private readonly idToken: Token = { from: -1, to: -1 };
  private readonly infoToken: Token = { from: -1, to: -1 };
  private readonly webhookToken: Token = { from: -1, to: -1 };
  private hasImages = false;

  /** @param signs - whether {@link canonicalText} will be asked for */
  constructor(
    private readonly urls: PlainUrls,
    private readonly signs: boolean,
  ) {}

  /** The photos' addresses as JSON.stringify writes them; valid until the next {@link read}. */
  get imagesJson(): Uint8Array {
    return this.images.subarray(0, this.imagesLength);
  }

  /**
   * Reads the lot whose brace is at `start`. This object holds its values until the next call.
   * @returns the position behind its closing brace, or -1 when the lot is not plain or does not end in `bytes`
   */
  read(bytes: Buffer, start: number): number {
    this.clear();
    let at = skipSpace(bytes, start + 1);
    for (;;) {
      at = this.member(bytes, at);
      if (at < 0) return -1;
      at = skipSpace(bytes, at);
      if (bytes[at] === CLOSING_BRACE) break;
      if (bytes[at] !== COMMA) return -1;
      at = skipSpace(bytes, at + 1);
    }
    return this.idToken.from >= 0 && this.hasImages ? at + 1 : -1;
  }

  /**
   * The lot's canonical form (see auth/canonical-json.ts), built from the tokens just read.
   * @param bytes - the same bytes that were read
   */
  canonicalText(bytes: Buffer): string {
    const urls = Buffer.from(this.images.buffer, 1, this.imagesLength - 2).toString('latin1');
    // No URL contains a quote, so this finds exactly the places between two URLs.
    const images = urls === '' ? '' : `{"url":${urls.replaceAll('","', '"},{"url":"')}}`;
    const { infoToken, idToken, webhookToken } = this;
    return (
      (infoToken.from < 0 ? '{' : `{"additional_info":${this.canonicalInfo(bytes)},`) +
      `"images":[${images}],"lot_id":${bytes.toString('latin1', idToken.from, idToken.to)}` +
      (webhookToken.from < 0 ? '}' : `,"webhook":${bytes.toString('latin1', webhookToken.from, webhookToken.to)}}`)
    );
  }

  private canonicalInfo(bytes: Buffer): string {
    const { from, to } = this.infoToken;
    return this.additionalInfo === null
      ? bytes.toString('latin1', from, to)
      : canonicalValue(bytes.toString('utf8', from, to));
  }

  private clear(): void {
    this.additionalInfo = null;
    this.infoFrom = -1;
    this.infoCharacters = 0;
    this.webhook = null;
    this.imageCount = 0;
    this.marks.length = 0;
    this.imagesLength = 0;
    this.idToken.from = -1;
    this.infoToken.from = -1;
    this.webhookToken.from = -1;
    this.hasImages = false;
  }

  /** @returns the position behind the member, or -1 */
  private member(bytes: Buffer, at: number): number {
    if (matches(bytes, at, LOT_ID)) return this.idToken.from < 0 ? this.readLotId(bytes, valueAt(bytes, at + 8)) : -1;
    if (matches(bytes, at, IMAGES)) return this.hasImages ? -1 : this.readImages(bytes, valueAt(bytes, at + 8));
    if (matches(bytes, at, INFO)) return this.infoToken.from < 0 ? this.readInfo(bytes, valueAt(bytes, at + 17)) : -1;
    if (matches(bytes, at, WEBHOOK)) {
      return this.webhookToken.from < 0 ? this.readWebhook(bytes, valueAt(bytes, at + 9)) : -1;
    }
    return -1;
  }

  private readLotId(bytes: Buffer, at: number): number {
    if (at < 0 || bytes[at] !== QUOTE) return -1;
    const end = endOfSelf(bytes, at + 1);
    const length = end - at - 1;
    if (bytes[end] !== QUOTE || length < 1 || length > MAX_LOT_ID) return -1;
    this.lotId = bytes.toString('latin1', at + 1, end);
    return mark(this.idToken, at, end + 1);
  }

  private readInfo(bytes: Buffer, at: number): number {
    if (at < 0) return -1;
    if (matches(bytes, at, NULL)) return mark(this.infoToken, at, at + NULL.length);
    if (bytes[at] !== QUOTE) return -1;
    const end = endOfSelf(bytes, at + 1);
    if (bytes[end] !== QUOTE) return this.readOtherInfo(bytes, at);
    const length = end - at - 1;
    if (length > MAX_INFO) return -1;
    if (length > 0) {
      this.infoFrom = at + 1;
      this.infoTo = end;
      this.infoCharacters = length;
    }
    return mark(this.infoToken, at, end + 1);
  }

  /** Text with escapes or beyond ASCII: JSON.parse of this one token. */
  private readOtherInfo(bytes: Buffer, at: number): number {
    let end = at + 1;
    while (end < bytes.length && bytes[end] !== QUOTE) end += bytes[end] === BACKSLASH ? 2 : 1;
    if (end >= bytes.length) return -1;
    const token = bytes.subarray(at, end + 1);
    if (!isUtf8(token)) return -1;
    let text: string;
    try {
      text = JSON.parse(token.toString('utf8')) as string;
    } catch {
      return -1;
    }
    const length = characters(text);
    if (length > MAX_INFO || !isStorable(text)) return -1;
    this.additionalInfo = text;
    this.infoCharacters = length;
    return mark(this.infoToken, at, end + 1);
  }

  private readWebhook(bytes: Buffer, at: number): number {
    if (at < 0) return -1;
    if (matches(bytes, at, NULL)) return mark(this.webhookToken, at, at + NULL.length);
    if (bytes[at] !== QUOTE) return -1;
    if (bytes[at + 1] === QUOTE) return mark(this.webhookToken, at, at + 2);
    const end = this.urls.endOfAllowed(bytes, at + 1);
    if (end < 0) return -1;
    this.webhook = bytes.toString('latin1', at + 1, end);
    return mark(this.webhookToken, at, end + 1);
  }

  private readImages(bytes: Buffer, from: number): number {
    if (from < 0 || bytes[from] !== OPENING_BRACKET) return -1;
    let at = skipSpace(bytes, from + 1);
    this.hasImages = true;
    this.images[0] = OPENING_BRACKET;
    this.imagesLength = 1;
    if (bytes[at] !== CLOSING_BRACKET) {
      for (;;) {
        at = this.readImage(bytes, at);
        if (at < 0) return -1;
        at = skipSpace(bytes, at);
        if (bytes[at] === CLOSING_BRACKET) break;
        if (bytes[at] !== COMMA) return -1;
        at = skipSpace(bytes, at + 1);
      }
    }
    this.images[this.imagesLength++] = CLOSING_BRACKET;
    return at + 1;
  }

  private readImage(bytes: Buffer, from: number): number {
    let at = from;
    const isObject = bytes[at] === OPENING_BRACE;
    if (isObject) {
      at = skipSpace(bytes, at + 1);
      if (!matches(bytes, at, URL_KEY)) return -1;
      at = valueAt(bytes, at + URL_KEY.length);
    }
    // The canonical form must keep photos sent as plain strings, so such a lot is left to the general way.
    else if (this.signs) return -1;
    if (at < 0 || bytes[at] !== QUOTE) return -1;
    const end = this.urls.endOfAllowed(bytes, at + 1);
    if (end < 0) return -1;
    // The general way finds out whether the same photo is named twice; it then counts once.
    if (!this.keepUrl(bytes, at, end + 1)) return -1;
    if (!isObject) return end + 1;
    at = skipSpace(bytes, end + 1);
    return bytes[at] === CLOSING_BRACE ? at + 1 : -1;
  }

  /** @returns false when it may be the same as an earlier one */
  private keepUrl(bytes: Buffer, from: number, to: number): boolean {
    // Two more bytes, for a comma before it and the bracket at the end.
    if (this.imagesLength + (to - from) + 2 > this.images.length) this.images = grown(this.images);
    const { images } = this;
    let length = this.imagesLength;
    if (this.imageCount++ > 0) images[length++] = COMMA;
    let mark = to - from;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      images[length++] = byte;
      mark = (Math.imul(mark, 31) + byte) | 0;
    }
    this.imagesLength = length;
    if (this.marks.includes(mark)) return false;
    this.marks.push(mark);
    return true;
  }
}

function mark(token: Token, from: number, to: number): number {
  token.from = from;
  token.to = to;
  return to;
}

function matches(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index++) if (bytes[at + index] !== expected[index]) return false;
  return true;
}

/** Where the value of the key that ends at `at` begins, or -1 without a colon. */
function valueAt(bytes: Buffer, at: number): number {
  const colon = skipSpace(bytes, at);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : -1;
}

/** As isSpace of json-tokens.ts, in a loop of its own: asking there for each byte took a tenth longer. */
function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) break;
  }
  return at;
}

/** The first byte from `from` on that does not stand for itself. */
function endOfSelf(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && SELF[bytes[at] as number] === 1) at++;
  return at;
}

function grown(full: Uint8Array): Uint8Array<ArrayBuffer> {
  // A URL is far shorter than the text that exists already.
  const larger = new Uint8Array(full.length * 2);
  larger.set(full);
  return larger;
}
