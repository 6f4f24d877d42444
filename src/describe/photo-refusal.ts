import { missingText, type MissingPhoto } from '../common/missing-photo.js';
import { LotError } from './lot-error.js';

/** A lot with too few of its photos left, with the photos that could not be reached or used. */
export function unreachablePhotos(missing: readonly MissingPhoto[], total: number): LotError {
  return new LotError('IMAGE_UNREACHABLE', missingText(missing, total), { missingImages: missing });
}
