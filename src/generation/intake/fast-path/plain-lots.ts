import type { LotsHmac } from '../../../auth/signatures.js';
import { CODES } from '../../../common/character-codes.js';
import { isSpace } from '../../../common/json-tokens.js';
import type { RequestContent } from '../../request/request-content.js';
import type { LotSpool } from '../lot-spool.js';
import type { FastLots } from '../request-sink.js';
import { PlainLotReader } from './plain-lot-reader.js';
import { PlainUrls } from './plain-urls.js';

const { CLOSING_BRACKET, COMMA, OPENING_BRACE } = CODES;

/**
 * The only door of this folder, which can be taken away: without it all lots go the general way, to the same rows,
 * digests and answers. A plain lot has only the members that the contract names, each once, of the usual types and
 * valid by every rule; nearly all lots are plain. It is read, signed, counted and spooled straight from its bytes.
 */
export class PlainLots implements FastLots {
  private readonly reader: PlainLotReader;

  /** @param signer - null when the signature does not cover the lots */
  constructor(
    private readonly content: RequestContent,
    private readonly spool: LotSpool,
    private readonly signer: LotsHmac | null,
  ) {
    this.reader = new PlainLotReader(new PlainUrls(content.urls), signer !== null);
  }

  takeElement(chunk: Buffer, start: number): number {
    let end = this.read(chunk, start);
    if (end < 0) return -1;
    while (end < chunk.length && isSpace(chunk[end] as number)) end++;
    // Anything else behind it is an error, or not here yet; the general way tells which.
    if (chunk[end] !== COMMA && chunk[end] !== CLOSING_BRACKET) return -1;
    this.take(chunk);
    return end;
  }

  takeLine(line: Buffer): boolean {
    if (this.read(line, 0) !== line.length) return false;
    this.take(line);
    return true;
  }

  private read(bytes: Buffer, start: number): number {
    // A synchronous answer needs the first lot as a whole.
    return bytes[start] !== OPENING_BRACE || this.content.lotCount === 0 ? -1 : this.reader.read(bytes, start);
  }

  /** @param bytes - those that the reader has just read */
  private take(bytes: Buffer): void {
    const lot = this.reader;
    this.signer?.addCanonical(lot.canonicalText(bytes));
    if (!this.content.addChecked(lot)) return;
    const row = this.spool.begin(lot.lotId);
    if (lot.infoFrom >= 0) row.readyRange(bytes, lot.infoFrom, lot.infoTo);
    else row.text(lot.additionalInfo);
    row.ready(lot.imagesJson).text(lot.webhook).endRow();
  }
}
