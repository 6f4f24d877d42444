import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LotsHmac } from '../auth/signatures.js';
import { EndedJobs } from '../jobs/ended-jobs.js';
import type { EndedJob } from '../jobs/job-columns.js';
import { renderLot, type LotRecord } from '../jobs/lot-result.js';
import { LotResultReader } from '../jobs/lot-result-reader.js';
import { PartReader, type JobOfPart } from '../jobs/part-reader.js';
import type { ClaimedDelivery } from './claimed-delivery.js';
import { assembleBody, assembleText, endOfJobFrame, storedFrame, type BodyFrame } from './payload.js';
import { WebhookSigner } from './webhook-signer.js';
import { Slots } from '../common/slots.js';

export interface RenderedBody {
  readonly bytes: Buffer;
  /** Of the bytes, in lower-case hexadecimal. */
  readonly sha256: string;
  /** Which secret signs it: the one that signed the job's request, or null for an event without a job. */
  readonly secretFingerprint: string | null;
}

/**
 * After this many lots a large body waits for a turn of the event loop, so that nothing else waits more than about 10
 * ms.
 */
const LOTS_PER_TURN = 50;
/** Bodies up to this size are read many at a time. */
const SMALL_BYTES = 32 * 1024;
/** How many larger bodies are made at once: each takes several times its size in memory meanwhile. */
const LARGE_AT_ONCE = 2;

/**
 * Thrown when the content of a delivery is gone. This is not expected, because results are removed after deliveries.
 */
export class BodyGoneError extends Error {
  constructor(what: string) {
    super(`this delivery cannot be rendered: ${what}`);
    this.name = 'BodyGoneError';
  }
}

interface Prefetched {
  readonly job: EndedJob;
  readonly records: readonly LotRecord[];
}

/**
 * Renders a delivery's body from the stored lots at each attempt, so that 50,000 lots are never copied into the queue.
 */
@Injectable()
export class BodyRenderer {
  private readonly prefetched = new WeakMap<ClaimedDelivery, Prefetched>();
  private readonly large = new Slots(LARGE_AT_ONCE);

  constructor(
    private readonly jobs: EndedJobs,
    private readonly reader: LotResultReader,
    private readonly parts: PartReader,
    private readonly signer: WebhookSigner,
  ) {}

  /**
   * Reads the lots of small deliveries by one statement before they are sent; `render` then needs no statement for
   * them. This works only for parts without lots of other addresses in between.
   */
  async prefetch(deliveries: readonly ClaimedDelivery[]): Promise<void> {
    const small = deliveries.filter(
      (each) => each.job !== null && each.payload === null && isContiguous(each) && each.bytes <= SMALL_BYTES,
    );
    const ranges = small.map(({ jobId, job, firstPosition, lastPosition, revision }) => ({
      jobId: jobId as string,
      from: firstPosition as number,
      to: lastPosition as number,
      revision,
      ...(job as JobOfPart),
    }));
    // Both run at once: each is a round trip, during which the receivers' slots would run empty.
    const [lots, jobs] = await Promise.all([
      this.parts.readMany(ranges),
      this.jobs.findMany(ranges.map(({ jobId }) => jobId)),
    ]);
    small.forEach((delivery, index) => {
      const job = jobs.get(delivery.jobId as string);
      if (job !== undefined) this.prefetched.set(delivery, { job, records: lots[index] as LotRecord[] });
    });
  }

  /**
   * Gives the same bytes every time, as long as the secret that signs is the same. Prefetched deliveries are rendered
   * without a promise: waiting for what is there already costs turns of the event loop at every delivery.
   * @throws BodyGoneError
   * @throws NoLiveSecretError
   */
  render(delivery: ClaimedDelivery): RenderedBody | Promise<RenderedBody> {
    const { payload, event } = delivery;
    if (payload !== null) {
      const signature = hexOf(this.newSignature(delivery, delivery));
      return finish(delivery, assembleText(storedFrame(event, payload), signature, []), 0, delivery);
    }
    const prefetched = this.prefetched.get(delivery);
    return prefetched === undefined ? this.renderFromTables(delivery) : this.renderRecords(delivery, prefetched);
  }

  private renderRecords(delivery: ClaimedDelivery, { job, records }: Prefetched): RenderedBody {
    const signature = this.newSignature(delivery, job);
    const lots = records.map((record) => {
      const text = renderLot(record, job);
      signature.add(text);
      return text;
    });
    return finish(delivery, assembleText(frameOf(delivery, job), hexOf(signature), lots), lots.length, job);
  }

  private async renderFromTables(delivery: ClaimedDelivery): Promise<RenderedBody> {
    const { jobId } = delivery;
    const job = jobId === null ? undefined : (this.jobs.cachedJob(jobId) ?? (await this.jobs.find(jobId)));
    if (job === undefined) throw new BodyGoneError('its job is gone');
    return this.large.run(() => this.renderLots(delivery, job));
  }

  private async renderLots(delivery: ClaimedDelivery, job: EndedJob): Promise<RenderedBody> {
    const signature = this.newSignature(delivery, job);
    const lots: Buffer[] = [];
    const selection = {
      from: delivery.firstPosition ?? 0,
      to: delivery.lastPosition ?? 0,
      ...(isContiguous(delivery) ? {} : { receiver: delivery.url }),
    };
    // The revision of the time when it was queued, whatever the job shows by now.
    const then = { ...job, revision: delivery.revision };
    for await (const text of this.reader.readLots(then, selection)) {
      signature.add(text);
      lots.push(Buffer.from(text));
      if (lots.length % LOTS_PER_TURN === 0) await new Promise(setImmediate);
    }
    return finish(delivery, assembleBody(frameOf(delivery, job), hexOf(signature), lots), lots.length, job);
  }

  private newSignature(
    { keyId }: ClaimedDelivery,
    { secretFingerprint }: Pick<RenderedBody, 'secretFingerprint'>,
  ): LotsHmac {
    return new LotsHmac([this.signer.sharedSecret(keyId, secretFingerprint)]);
  }
}

function frameOf(delivery: ClaimedDelivery, job: EndedJob): BodyFrame {
  return endOfJobFrame(delivery.event, job, { number: delivery.part, of: delivery.parts });
}

/** True when all lots between the first and the last position belong to this delivery. */
function isContiguous({ firstPosition, lastPosition, lots }: ClaimedDelivery): boolean {
  return firstPosition !== null && lastPosition !== null && lots === lastPosition - firstPosition + 1;
}

function hexOf(signature: LotsHmac): string {
  return (signature.digests()[0] as Buffer).toString('hex');
}

function finish(
  delivery: ClaimedDelivery,
  bytes: Buffer,
  lots: number,
  { secretFingerprint }: Pick<RenderedBody, 'secretFingerprint'>,
): RenderedBody {
  if (lots !== delivery.lots) throw new BodyGoneError('its lots are gone');
  return { bytes, sha256: hash('sha256', bytes), secretFingerprint };
}
