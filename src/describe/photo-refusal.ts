import { missingText, type MissingPhoto } from '../common/missing-photo.js';
import { LotError } from './lot-error.js';

/** The error of a lot with too few photos left; it names the photos that could not be reached or used. */
export function unreachablePhotos(missing: readonly MissingPhoto[], total: number): LotError {
  return new LotError('IMAGE_UNREACHABLE', missingText(missing, total), { missingImages: missing });
}
