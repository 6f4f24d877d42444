import type { MissingPhoto } from '../../common/missing-photo.js';
import { LotError } from './lot-error.js';

/** A lot with too few of its photos left, with the photos that could not be reached. */
export function unreachablePhotos(missing: readonly MissingPhoto[], total: number): LotError {
  return new LotError(
    'IMAGE_UNREACHABLE',
    `${missing.length} of ${total} photos cannot be reached; check that they are public and send the lot again.`,
    { missingImages: missing },
  );
}
