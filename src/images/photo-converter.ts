import type { Sharp } from 'sharp';
import { carriedFormatOf, photoFormatOf } from './photo-format.js';
import { Slots } from '../common/slots.js';

/** The most pixels (width times height); photos of 50 megapixels pass. A file of a few kilobytes can claim any size. */
const MOST_PIXELS = 52_000_000;
/** The most memory for a decoded picture that cannot be scaled down while it is read. */
const MOST_DECODED_BYTES = 256 * 1024 * 1024;
/** Decoding that takes longer is given up. */
const DECODING_SECONDS = 20;
/** Tried in turn until the JPEG is small enough. */
const QUALITIES = [82, 60, 40] as const;

const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'gif', 'heif', 'tiff']);
const DEPTH_BYTES: Readonly<Record<string, number>> = { uchar: 1, char: 1, ushort: 2, short: 2 };

export type Conversion =
  { readonly ok: true; readonly jpeg: Buffer } | { readonly ok: false; readonly problem: 'not_a_photo' | 'too_large' };

/**
 * Turns photos into JPEGs that every model takes. One at a time, because a decoder's memory is outside of Node's heap
 * and no other limit applies to it.
 */
export class PhotoConverter {
  constructor(private readonly turn = new Slots(1)) {}

  /**
   * @param bytes - the whole file
   * @param side - the most pixels of the longer side
   * @param maxBytes - the most bytes of the JPEG
   */
  async convert(bytes: Buffer, side: number, maxBytes: number, signal: AbortSignal | undefined): Promise<Conversion> {
    // Checked by its signature before any decoder sees it: an SVG would be rendered, and could load any address that it
    // names.
    if (photoFormatOf(bytes) === null && carriedFormatOf(bytes) === null) return { ok: false, problem: 'not_a_photo' };
    await this.turn.take(1, signal);
    try {
      return await convert(bytes, side, maxBytes);
    } catch {
      // The file is cut off or damaged, or is not a picture in spite of its first bytes. The decoder's message would
      // not help a client.
      return { ok: false, problem: 'not_a_photo' };
    } finally {
      this.turn.give(1);
    }
  }
}

async function convert(bytes: Buffer, side: number, maxBytes: number): Promise<Conversion> {
  const open = await opener();
  // Its header alone is read, whatever size that claims.
  const { format, width, height, channels, depth, isProgressive } = await open(bytes, false).metadata();
  if (!FORMATS.has(format)) return { ok: false, problem: 'not_a_photo' };
  // A baseline JPEG is scaled while it is read; a progressive one keeps two bytes for each value until its end.
  const bytesPerValue = format === 'jpeg' ? (isProgressive === true ? 2 : 0) : (DEPTH_BYTES[depth] ?? 8);
  const pixels = width * height;
  if (pixels > MOST_PIXELS || pixels * channels * bytesPerValue > MOST_DECODED_BYTES) {
    return { ok: false, problem: 'too_large' };
  }
  let jpeg = Buffer.alloc(0);
  for (const quality of QUALITIES) {
    // Starts from the last try's result, so that a large picture is decoded only once.
    const from = jpeg.length === 0 ? upright(open(bytes, MOST_PIXELS), side) : open(jpeg, MOST_PIXELS);
    jpeg = await from.jpeg({ quality }).timeout({ seconds: DECODING_SECONDS }).toBuffer();
    if (jpeg.length <= maxBytes) return { ok: true, jpeg };
  }
  return { ok: false, problem: 'too_large' };
}

/**
 * Rotated as the camera was held, one layer, in sRGB, and without the place and time that a camera writes into the
 * file.
 */
function upright(picture: Sharp, side: number): Sharp {
  return picture
    .autoOrient()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb');
}

/** Loaded with the first photo that needs it, because it takes 20 MB and most processes never need it. */
async function opener(): Promise<(bytes: Buffer, mostPixels: number | false) => Sharp> {
  const { default: sharp } = await import('sharp');
  // One thread and no cache: photos are converted one at a time, and the other cores are needed by the service.
  sharp.concurrency(1);
  sharp.cache(false);
  return (bytes, limitInputPixels) =>
    sharp(bytes, { failOn: 'truncated', limitInputPixels, sequentialRead: true, pages: 1 });
}
