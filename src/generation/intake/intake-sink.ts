import type { LotsHmac } from '../../auth/signatures.js';
import type { RequestContent } from '../request/request-content.js';
import { PlainLots } from './fast-path/plain-lots.js';
import type { LotSpool } from './lot-spool.js';
import type { FastLots, RequestSink, SentHead, SourceLot } from './request-sink.js';

/** Receives the splitter's calls: adds each lot, as it was sent, to the signature, checks it and keeps it as a row. */
export class IntakeSink implements RequestSink {
  members: Readonly<Record<string, unknown>> = {};
  hasLots = false;
  readonly fastLots: FastLots;

  /** @param signer - null when the signature does not cover the lots */
  constructor(
    private readonly content: RequestContent,
    private readonly spool: LotSpool,
    private readonly signer: LotsHmac | null,
  ) {
    this.fastLots = new PlainLots(content, spool, signer);
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
}
