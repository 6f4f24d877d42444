import type { LotStatus } from './states.js';
import { PhotoProblemDto } from '../common/missing-photo.dto.js';

export class DescriptionDto {
  /** The tag as sent. */
  language: string;
  /** HTML of `<p>`, `<ul>`, `<li>` and escaped text, without attributes. */
  damages: string;
  /** Present and true where `damages` is the English text, because no translation came. */
  fallback?: boolean;
}

export class LotErrorDto {
  /** IMAGE_UNREACHABLE, NO_IMAGES, REFUSED, OPENAI_API_ERROR, COST_LIMIT_EXCEEDED, DEADLINE_EXCEEDED, INTERRUPTED … */
  code: string;
  /** What happened, for people. */
  message: string;
}

/** One lot as clients read it. */
export class LotResultDto {
  /** As sent; an integer comes back as its digits. */
  lot_id: string;
  /** pending, processing, translating, completed, failed or cancelled. */
  status: LotStatus;
  /** When it completed or failed; null before. */
  processed_at: string | null;
  /** Photos that the model was shown. */
  processed_images: number;
  /** In the order of the request's languages; empty unless completed. */
  descriptions: DescriptionDto[];
  /** The unreachable photos' URLs. */
  missing_images: string[];
  /** The same photos, each with its reason. */
  photo_problems: PhotoProblemDto[];
  /** The languages that carry the English text. */
  pending_languages: string[];
  /** With `include: ["assessment"]`: the structured findings. */
  assessment?: Record<string, unknown>;
  /** With `include: ["usage"]`: tokens and cost of each model call that made this lot. */
  usage?: Record<string, unknown>[];
  /** Why it failed; absent otherwise. */
  error?: LotErrorDto;
}

/** A lot as the document's examples show it: here, so that whoever adds a member sees it. */
export const LOT_EXAMPLE = {
  lot_id: '11-12345',
  status: 'completed',
  processed_at: '2026-01-01T00:00:00Z',
  processed_images: 2,
  descriptions: [
    { language: 'en', damages: '<p>Visible damage:</p><ul><li>Left front door: scratch, minor.</li></ul>' },
    { language: 'de', damages: '<p>Sichtbare Schäden:</p><ul><li>Tür vorn links: Kratzer, gering.</li></ul>' },
  ],
  missing_images: [],
  photo_problems: [],
  pending_languages: [],
} satisfies LotResultDto;
