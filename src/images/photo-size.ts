import { imageDimensionsFromData } from 'image-dimensions';
import { photoFormatOf } from './photo-format.js';

/** Width and height of a photo in pixels, as its file claims them. */
export interface PhotoSize {
  readonly width: number;
  readonly height: number;
}

/** No format of ours holds longer sides. */
const LONGEST_SIDE = 2 ** 31 - 1;

/**
 * The size that a photo's first bytes tell. Nothing is decoded, so a file of a few bytes may claim any size.
 * @param head - the file's beginning
 * @returns null for what is no photo, and where the bytes do not reach as far as the size
 */
export function photoSizeOf(head: Buffer): PhotoSize | null {
  if (photoFormatOf(head) === null) return null;
  const size = imageDimensionsFromData(head);
  if (size === undefined) return null;
  const { width, height } = size;
  return isSide(width) && isSide(height) ? { width, height } : null;
}

function isSide(length: number): boolean {
  return Number.isSafeInteger(length) && length > 0 && length <= LONGEST_SIDE;
}
