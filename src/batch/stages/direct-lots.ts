import { Injectable } from '@nestjs/common';
import { photosLeft } from '../../assessment/photo-refs.js';
import type { DescribableLot } from '../../describe/lot-describer.js';
import { PhotoCarrier } from '../../images/photo-carrier.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { LotInputStore } from '../../jobs/lot-input-store.js';
import type { VisionLineLot } from '../lines/vision-reader.js';

/** Reasons of missing photos that we may be able to carry. For hosts in OUTBOUND_ALLOW no other reason is stored. */
const MAY_BE_CARRIED: ReadonlySet<string> = new Set(['not_a_photo', 'unreachable']);

/** Finds which photos of a lot are sent when it is asked for directly. */
@Injectable()
export class DirectLots {
  constructor(
    private readonly inputs: LotInputStore,
    private readonly carrier: PhotoCarrier,
  ) {}

  /** Photos that no line of a batch could hold (AVIF and TIFF) can be sent when the lot is asked for directly. */
  async of({ id, options }: ShardJob, lot: VisionLineLot, signal: AbortSignal): Promise<DescribableLot> {
    const additionalInfo = await this.inputs.additionalInfo(id, lot.position);
    const photoTokens = await this.inputs.photoTokens(id, lot.position);
    const maybe = lot.missing.filter(({ reason }) => MAY_BE_CARRIED.has(reason)).map(({ url }) => url);
    const carried = this.carrier.allowed ? await this.carrier.carriable(maybe, signal) : [];
    const missing = lot.missing.filter(({ url }) => !carried.includes(url));
    const photos = photosLeft(lot.images, missing);
    // What the check counted does not include photos that are carried.
    return {
      additionalInfo,
      photos,
      missing,
      carried,
      options,
      photoTokens: carried.length === 0 ? photoTokens : null,
    };
  }
}
