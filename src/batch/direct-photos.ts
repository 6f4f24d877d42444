import { Injectable } from '@nestjs/common';
import type { PhotosOfLot } from '../generation/describe/sent-photos.js';
import { PhotoCarrier } from '../images/photo-carrier.js';
import { photosOf, type VisionLineLot } from './vision-reader.js';

/** Reasons behind which a photo may stand that we could carry; of hosts in OUTBOUND_ALLOW no other one is stored. */
const MAY_BE_CARRIED: ReadonlySet<string> = new Set(['not_a_photo', 'unreachable']);

/** The photos of a lot that is asked for directly. */
@Injectable()
export class DirectPhotos {
  constructor(private readonly carrier: PhotoCarrier) {}

  /** What no line of a batch could carry, AVIF and TIFF, can be sent now that the lot is asked for directly anyway. */
  async toSend(lot: VisionLineLot, signal: AbortSignal): Promise<PhotosOfLot> {
    const maybe = lot.missing.filter(({ reason }) => MAY_BE_CARRIED.has(reason)).map(({ url }) => url);
    const carried = this.carrier.allowed ? await this.carrier.carriable(maybe, signal) : [];
    const missing = lot.missing.filter(({ url }) => !carried.includes(url));
    return { photos: photosOf({ images: lot.images, missing }), missing, carried };
  }
}
