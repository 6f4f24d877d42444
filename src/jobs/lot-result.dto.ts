import type { LotStatus } from './states.js';
import { PhotoProblemDto } from '../common/missing-photo.dto.js';

export class DescriptionDto {
  /** The language tag as the client sent it. */
  language: string;
  /** HTML of `<p>`, `<ul>`, `<li>` and escaped text, without attributes. */
  damages: string;
  /** True when `damages` is the English text, because this language has no glossary or its text did not pass the checks; absent otherwise. */
  fallback?: boolean;
}

export class NeedsReviewDto {
  /** Whether a person should look at this lot before relying on it. */
  value: boolean;
  /** Why, each reason once; empty where no review is asked for. */
  reasons: string[];
}

export class LotErrorDto {
  /** Such as IMAGE_UNREACHABLE, NO_IMAGES, REFUSED, TEXT_REJECTED, OPENAI_API_ERROR, COST_LIMIT_EXCEEDED or DEADLINE_EXCEEDED. */
  code: string;
  /** What happened, as a text for people. */
  message: string;
}

/** One lot as clients read it. */
export class LotResultDto {
  /** The id as the client sent it; a number comes back as a string of its digits. */
  lot_id: string;
  /** pending, processing, translating, completed, failed or cancelled. */
  status: LotStatus;
  /** When the lot completed or failed; null before. */
  processed_at: string | null;
  /** The number of photos that the model was shown. */
  processed_images: number;
  /** In the order of the request's languages; empty unless completed. */
  descriptions: DescriptionDto[];
  /** The URLs of the photos that could not be used. */
  missing_images: string[];
  /** The same photos, each with the reason. */
  photo_problems: PhotoProblemDto[];
  /** The languages whose text is English: they have no glossary, or their text did not pass the checks. */
  pending_languages: string[];
  /** Absent for lots that were described before lots said so. */
  needs_review?: NeedsReviewDto;
  /** With `include: ["assessment"]`: the structured findings. */
  assessment?: Record<string, unknown>;
  /** With `include: ["usage"]`: tokens and cost of each model call that made this lot. */
  usage?: Record<string, unknown>[];
  /** Why the lot failed; absent otherwise. */
  error?: LotErrorDto;
}

/** The lot in the examples of the OpenAPI document. It stands here so that a new member is added to it too. */
export const LOT_EXAMPLE = {
  lot_id: '11-12345',
  status: 'completed',
  processed_at: '2026-01-01T00:00:00Z',
  processed_images: 2,
  descriptions: [
    { language: 'en', damages: '<ul><li>Left front door: scratch, minor (photo 1)</li></ul>' },
    { language: 'de', damages: '<ul><li>Tür vorn links: Kratzer, leicht (Foto 1)</li></ul>' },
  ],
  missing_images: [],
  photo_problems: [],
  pending_languages: [],
  needs_review: { value: false, reasons: [] },
} satisfies LotResultDto;
