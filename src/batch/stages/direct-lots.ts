import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.service.js';
import type { DescribableLot } from '../../describe/lot-describer.js';
import { PhotoCarrier } from '../../images/photo-carrier.js';
import { photosOf, type VisionLineLot } from '../lines/vision-reader.js';

/** Reasons behind which a photo may stand that we could carry; of hosts in OUTBOUND_ALLOW no other one is stored. */
const MAY_BE_CARRIED: ReadonlySet<string> = new Set(['not_a_photo', 'unreachable']);

/** What of a lot is sent when it is asked for directly. */
@Injectable()
export class DirectLots {
  constructor(
    private readonly database: Database,
    private readonly carrier: PhotoCarrier,
  ) {}

  /** What no line of a batch could carry, AVIF and TIFF, can be sent now that the lot is asked for directly anyway. */
  async of(jobId: string, lot: VisionLineLot, signal: AbortSignal): Promise<DescribableLot> {
    const [input] = await this.database.query<{ additional_info: string | null }>(
      'select additional_info from batch_lot_inputs where job_id = $1 and position = $2',
      [jobId, lot.position],
    );
    const maybe = lot.missing.filter(({ reason }) => MAY_BE_CARRIED.has(reason)).map(({ url }) => url);
    const carried = this.carrier.allowed ? await this.carrier.carriable(maybe, signal) : [];
    const missing = lot.missing.filter(({ url }) => !carried.includes(url));
    const photos = photosOf({ images: lot.images, missing });
    return { additionalInfo: input?.additional_info ?? null, photos, missing, carried };
  }
}
