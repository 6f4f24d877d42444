/**
 * Why a photo is missing from a description:
 * - `not_found`: 404 or 410
 * - `not_a_photo`: the answer is not a photo in a format that the models take
 * - `too_large`: over MAX_IMAGE_SIZE
 * - `timeout`: no connection, or no complete answer in time; also TLS errors
 * - `dns`: the name does not exist, or leads to an address that is not public
 * - `refused`: 401, 403 and every other final answer
 * - `host_busy`: its host answered 429 or 5xx for as long as the service waited
 * - `openai`: OpenAI could not take it
 * - `unreachable`: no reason may be told, as for hosts in OUTBOUND_ALLOW; or the lot is older than these reasons
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

/** One entry of `photo_problems`; its url is also an entry of `missing_images`. */
export interface MissingPhoto {
  readonly url: string;
  readonly reason: PhotoReason;
}

/** The photo can be fetched but not used, so making it public would not help. */
const UNUSABLE: ReadonlySet<PhotoReason> = new Set(['not_a_photo', 'too_large', 'openai']);

/** What a client reads of a lot that failed for its photos. */
export function missingText(missing: readonly MissingPhoto[], total: number): string {
  const share = `${missing.length} of ${total} photos`;
  return missing.some(({ reason }) => UNUSABLE.has(reason))
    ? `${share} cannot be reached or used; photo_problems says why. Correct them and send the lot again.`
    : `${share} cannot be reached; check that they are public and send the lot again.`;
}

/**
 * Joins the two stored columns.
 * @param urls - missing_images; null where none is missing
 * @param reasons - missing_reasons, in the same order; null for a lot that was stored before there were reasons
 */
export function missingPhotos(urls: readonly string[] | null, reasons: readonly string[] | null): MissingPhoto[] {
  return (urls ?? []).map((url, index) => ({
    url,
    reason: PHOTO_REASONS.find((known) => known === reasons?.[index]) ?? 'unreachable',
  }));
}

/** The JSON text of the two columns; null when no photo is missing. */
export function missingColumns(missing: readonly MissingPhoto[]): { urls: string; reasons: string } | null {
  if (missing.length === 0) return null;
  return { urls: JSON.stringify(urlsOf(missing)), reasons: JSON.stringify(missing.map(({ reason }) => reason)) };
}

export function urlsOf(missing: readonly MissingPhoto[]): string[] {
  return missing.map(({ url }) => url);
}
