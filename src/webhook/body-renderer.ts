import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LotsHmac } from '../auth/signatures.js';
import { EndedJobs } from '../jobs/ended-jobs.js';
import { LotResultReader } from '../jobs/lot-result-reader.js';
import type { ClaimedDelivery } from './delivery-queue.js';
import { assembleBody, endOfJobFrame, storedFrame, type BodyFrame } from './payload.js';
import { WebhookSigner } from './signer.js';

export interface RenderedBody {
  readonly bytes: Buffer;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Which secret signs for it: the job's, or null for an event without a job. */
  readonly secretFingerprint: string | null;
}

/** Signing a large body goes on after a turn of the event loop, so that nothing else waits longer than some 10 ms. */
const LOTS_PER_TURN = 50;

/** Thrown when what a delivery should carry is gone: results outlive their deliveries, so this is never expected. */
export class BodyGoneError extends Error {
  constructor(what: string) {
    super(`this delivery cannot be rendered: ${what}`);
    this.name = 'BodyGoneError';
  }
}

/** Renders a delivery's body from what is stored, at each attempt anew: 50,000 lots are never copied into the queue. */
@Injectable()
export class BodyRenderer {
  constructor(
    private readonly jobs: EndedJobs,
    private readonly reader: LotResultReader,
    private readonly signer: WebhookSigner,
  ) {}

  /**
   * The same bytes every time, as long as the secret that signs is the same.
   * @throws BodyGoneError
   * @throws NoLiveSecretError
   */
  async render(delivery: ClaimedDelivery, signal?: AbortSignal): Promise<RenderedBody> {
    if (delivery.payload !== null) return this.renderStored(delivery, delivery.payload);
    const job = delivery.jobId === null ? undefined : await this.jobs.find(delivery.jobId);
    if (job === undefined) throw new BodyGoneError('its job is gone');
    const lots: string[] = [];
    const signature = new LotsHmac([this.signer.sharedSecret(delivery.keyId, job.secretFingerprint)]);
    const selection = {
      from: delivery.firstPosition ?? 0,
      to: delivery.lastPosition ?? 0,
      revision: delivery.revision,
      // Every lot between the ends is this address's own unless others lie between them.
      ...(delivery.lots === lastMinusFirst(delivery) + 1 ? {} : { receiver: delivery.url }),
      ...(signal === undefined ? {} : { signal }),
    };
    for await (const lot of this.reader.readLots(job, selection)) {
      lots.push(lot);
      signature.add(lot);
      if (lots.length % LOTS_PER_TURN === 0) await new Promise(setImmediate);
    }
    if (lots.length !== delivery.lots) throw new BodyGoneError('its lots are gone');
    const part = { number: delivery.part, of: delivery.parts };
    return finish(endOfJobFrame(delivery.event, job, part), signature, lots, job.secretFingerprint);
  }

  private renderStored(delivery: ClaimedDelivery, payload: string): RenderedBody {
    const secret = this.signer.sharedSecret(delivery.keyId, delivery.secretFingerprint);
    return finish(storedFrame(delivery.event, payload), new LotsHmac([secret]), [], delivery.secretFingerprint);
  }
}

function lastMinusFirst({ firstPosition, lastPosition }: ClaimedDelivery): number {
  return (lastPosition ?? 0) - (firstPosition ?? 0);
}

function finish(
  frame: BodyFrame,
  signature: LotsHmac,
  lots: readonly string[],
  secretFingerprint: string | null,
): RenderedBody {
  const hex = (signature.digests()[0] as Buffer).toString('hex');
  const bytes = assembleBody(frame, hex, lots);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex'), secretFingerprint };
}
