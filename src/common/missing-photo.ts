/**
 * Why a photo is missing from a description:
 * - `not_found`: 404 or 410
 * - `not_a_photo`: what came is no photo that the models take
 * - `too_large`: over MAX_IMAGE_SIZE
 * - `timeout`: no connection, or no whole answer in time; TLS faults too
 * - `dns`: the name does not exist, or leads to an address that nobody outside may ask for
 * - `refused`: 401, 403 and every other answer that will stay as it is
 * - `host_busy`: its host said "not now" (429, 5xx) as long as was waited
 * - `openai`: OpenAI could not take it
 * - `unreachable`: nothing more may be said, as of hosts in OUTBOUND_ALLOW; or the lot is older than these reasons
 */
export const PHOTO_REASONS = [
  'not_found',
  'not_a_photo',
  'too_large',
  'timeout',
  'dns',
  'refused',
  'host_busy',
  'openai',
  'unreachable',
] as const;
export type PhotoReason = (typeof PHOTO_REASONS)[number];

/** One entry of `photo_problems`, and with its url one of `missing_images`. */
export interface MissingPhoto {
  readonly url: string;
  readonly reason: PhotoReason;
}

/** It came, or would, and is of no use: to make it public would change nothing. */
const UNUSABLE: ReadonlySet<PhotoReason> = new Set(['not_a_photo', 'too_large', 'openai']);

/** What a client reads of a lot that failed for its photos. */
export function missingText(missing: readonly MissingPhoto[], total: number): string {
  const share = `${missing.length} of ${total} photos`;
  return missing.some(({ reason }) => UNUSABLE.has(reason))
    ? `${share} cannot be reached or are of no use; photo_problems says why. Correct them and send the lot again.`
    : `${share} cannot be reached; check that they are public and send the lot again.`;
}

/**
 * Puts together what is stored apart.
 * @param urls - missing_images; null where none is missing
 * @param reasons - missing_reasons, in the same order; null for a lot that was stored before there were reasons
 */
export function missingPhotos(urls: readonly string[] | null, reasons: readonly string[] | null): MissingPhoto[] {
  return (urls ?? []).map((url, index) => ({
    url,
    reason: PHOTO_REASONS.find((known) => known === reasons?.[index]) ?? 'unreachable',
  }));
}

/** The two columns' JSON text, null where nothing is missing. */
export function missingColumns(missing: readonly MissingPhoto[]): { urls: string; reasons: string } | null {
  if (missing.length === 0) return null;
  return { urls: JSON.stringify(urlsOf(missing)), reasons: JSON.stringify(missing.map(({ reason }) => reason)) };
}

export function urlsOf(missing: readonly MissingPhoto[]): string[] {
  return missing.map(({ url }) => url);
}
