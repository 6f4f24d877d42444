import type { LotStatus } from '../jobs/states.js';
import { JobStatusDto } from './status.dto.js';

/** One lot as the older service gave it. */
export class LegacyLotDto {
  /** As sent; an integer comes back as its digits. */
  lot_id: string;
  /** pending, processing, translating, completed, failed or cancelled. */
  status: LotStatus;
  /** The English text as HTML, whether or not English was asked for; null unless completed. */
  vision_result: string | null;
  /** The other languages' texts as HTML by tag, as sent. */
  translations: Record<string, string>;
  /** Why the lot failed. */
  error_message: string | null;
  /** The unreachable photos' URLs. */
  missing_images: string[];
}

/** A job as the older service gave it: its status, and once it has ended its totals and lots. */
export class LegacyJobDto extends JobStatusDto {
  /** Lots of the job; present once it has ended, like all that follows. */
  total_lots?: number;
  /** Lots completed with their languages. */
  processed_lots?: number;
  /** Lots that failed. */
  failed_lots?: number;
  /** Photos that the model was shown. */
  total_images_processed?: number;
  /** Seconds from acceptance to the end. */
  total_processing_time?: number;
  /** The lots, in the order of the request. */
  results?: LegacyLotDto[];
}

/** What an ended job has beside its status. */
export type LegacyEndDto = Required<Omit<LegacyJobDto, keyof JobStatusDto>>;
