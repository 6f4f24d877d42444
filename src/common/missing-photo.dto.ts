import type { PhotoReason } from './missing-photo.js';

/** A missing photo with its reason. */
export class PhotoProblemDto {
  /** The photo's address as it was sent; as in `missing_images`. */
  url: string;
  /**
   * not_found (404, 410), not_a_photo, too_large, timeout (no connection, or no whole answer in time), dns (no such
   * name, or a forbidden address), refused (401, 403, …), host_busy (429 or 5xx for as long as the service waited),
   * openai (OpenAI could not take it); unreachable when no reason may be told.
   */
  reason: PhotoReason;
}
