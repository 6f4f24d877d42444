import type { MissingPhoto } from '../common/missing-photo.js';
import type { NewResult } from './new-result.js';

/** Bytes of a lot's rendering without its descriptions (measured: 190) and without its needs_review. */
const LOT_BYTES = 200;
/** Bytes around each description. */
const DESCRIPTION_BYTES = 48;
const USAGE_BYTES = 220;
/** Bytes of the name of needs_review. */
const REVIEW_BYTES = 16;
/** Bytes around a missing photo's address, which is in missing_images and in photo_problems. */
const MISSING_BYTES = 26;

/** Bytes of a value that is to be stored as JSON; 0 for none. */
export function jsonBytes(value: unknown): number {
  return value === undefined || value === null ? 0 : Buffer.byteLength(JSON.stringify(value));
}

/** The estimated size of a completed lot in results and webhooks, in bytes: webhooks are packed by it. */
export function renderedBytes(
  results: readonly Pick<NewResult, 'html'>[],
  lot: {
    readonly idLength: number;
    readonly missing: readonly MissingPhoto[];
    readonly assessment: number;
    readonly usage: boolean;
    /** Bytes of its needs_review; 0 if it has none. */
    readonly review: number;
    /** Bytes of the HTML of each description that is stored already. */
    readonly stored?: readonly number[];
  },
): number {
  let bytes = LOT_BYTES + lot.idLength * 2 + lot.assessment + REVIEW_BYTES + lot.review;
  for (const { html } of results) bytes += DESCRIPTION_BYTES + Buffer.byteLength(html);
  for (const html of lot.stored ?? []) bytes += DESCRIPTION_BYTES + html;
  for (const { url, reason } of lot.missing) bytes += 2 * Buffer.byteLength(url) + reason.length + MISSING_BYTES;
  return bytes + (lot.usage ? USAGE_BYTES * 2 : 0);
}
