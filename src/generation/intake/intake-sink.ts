import type { LotsHmac } from '../../auth/signatures.js';
import type { RequestContent } from '../request/request-content.js';
import type { LotSpool } from './lot-spool.js';
import { PlainLotReader } from './fast-path/plain-lot-reader.js';
import type { PlainLots, SentHead, RequestSink, SourceLot } from './request-sink.js';

/** Receives the splitter's calls: adds each lot, as it was sent, to the signature, checks it and keeps it as a row. */
export class IntakeSink implements RequestSink, PlainLots {
  members: Readonly<Record<string, unknown>> = {};
  hasLots = false;
  readonly plainLots = this;
  private readonly plain: PlainLotReader;

  /** @param signer - null when the signature does not cover the lots */
  constructor(
    private readonly content: RequestContent,
    private readonly spool: LotSpool,
    private readonly signer: LotsHmac | null,
  ) {
    this.plain = new PlainLotReader(content.urls, signer !== null);
  }

  onHead(head: SentHead): void {
    this.members = head.members;
    this.hasLots = head.lots === 'streamed';
    if (head.lots === 'other' && head.lotsText !== undefined) this.signer?.useWhole(head.lotsText);
  }

  onLot(lot: SourceLot): void {
    this.signer?.add(lot.text);
    const checked = this.content.addLot(lot.value, () => lot.text);
    if (checked !== null) this.spool.add(checked);
  }

  read(bytes: Buffer, start: number): number {
    return this.content.lotCount === 0 ? -1 : this.plain.read(bytes, start);
  }

  keep(bytes: Buffer): void {
    this.signer?.addCanonical(this.plain.canonicalText(bytes));
    if (this.content.addChecked(this.plain)) this.spool.addPlain(this.plain, bytes);
  }
}
