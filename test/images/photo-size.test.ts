import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { photoSizeOf } from '../../src/images/photo-size.js';
import { propertyRuns } from '../support/property-runs.js';
import { AVIF, claimedPng, corner, HEIC, JPEG, TIFF } from './photo-samples.js';

const wide = () => corner(600, 400);
const withProfile = await sharp(await wide().jpeg().toBuffer())
  .withExif({ IFD0: { ImageDescription: 'x'.repeat(40_000) } })
  .jpeg()
  .toBuffer();

const animated = Buffer.concat([
  Buffer.from('GIF89a'),
  Buffer.from([0x10, 0, 0x10, 0, 0, 0, 0]),
  Buffer.from('\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0', 'latin1'),
]);

const FILES: readonly [string, Buffer][] = [
  ['JPEG', await wide().jpeg().toBuffer()],
  ['progressive JPEG', await wide().jpeg({ progressive: true }).toBuffer()],
  ['JPEG with fill bytes before its frame', withFill(await wide().jpeg().toBuffer())],
  ['PNG', await wide().png().toBuffer()],
  ['lossy WebP', await wide().webp().toBuffer()],
  ['lossless WebP', await wide().webp({ lossless: true }).toBuffer()],
  ['WebP with alpha', await wide().ensureAlpha(0.5).webp().toBuffer()],
  ['GIF', await wide().gif().toBuffer()],
];

describe("a photo's size", () => {
  it.each(FILES)('is read from the first bytes of a %s', (_format, file) => {
    expect(photoSizeOf(file.subarray(0, 32_768))).toEqual({ width: 600, height: 400 });
  });

  it('is what a file claims, since nothing is decoded', () => {
    expect(photoSizeOf(claimedPng(31_623, 31_623))).toEqual({ width: 31_623, height: 31_623 });
    expect(photoSizeOf(claimedPng(2 ** 31 - 1, 1))).toEqual({ width: 2 ** 31 - 1, height: 1 });
  });

  it.each([
    ['a PNG without width', claimedPng(0, 100)],
    ['a PNG without height', claimedPng(100, 0)],
    ['a PNG of more than any format holds', claimedPng(2 ** 32 - 1, 2 ** 32 - 1)],
    ['a JPEG whose frame has no height', withoutHeight(JPEG)],
    ['a JPEG that ends before its frame', JPEG.subarray(0, 24)],
    ['a JPEG whose size lies behind a long description', withProfile.subarray(0, 32_768)],
    ['a JPEG of a segment that claims more than there is', Buffer.from('ffd8ffe0ffff4a46494600010100', 'hex')],
    ['a JPEG of segments without length', Buffer.from(`ffd8${'ffe00000'.repeat(100)}`, 'hex')],
    ['a WebP that ends in its header', Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1')],
    ['a WebP of an unknown chunk', Buffer.from(`RIFF\x20\0\0\0WEBPABCD\x10\0\0\0${'\0'.repeat(16)}`, 'latin1')],
    ['an animation', animated],
    ['an AVIF', AVIF],
    ['a TIFF', TIFF],
    ['a HEIC', HEIC],
    ['a page', Buffer.from('<!doctype html><title>404</title>')],
    ['nothing', Buffer.alloc(0)],
  ])('is not told by %s', (_case, head) => {
    expect(photoSizeOf(head)).toBeNull();
  });

  it('is read, or not, from any beginning with any bytes behind it', () => {
    const begins = fc.constantFrom(
      'ffd8ff',
      '89504e470d0a1a0a0000000d49484452',
      '524946460000000057454250565038',
      '474946383961',
      '000000206674797068656963',
    );
    fc.assert(
      fc.property(begins, fc.uint8Array({ maxLength: 400 }), (begin, rest) => {
        const size = photoSizeOf(Buffer.concat([Buffer.from(begin, 'hex'), rest]));
        if (size === null) return;
        expect(size.width > 0 && size.height > 0).toBe(true);
      }),
      propertyRuns(),
    );
  });
});

/** The frame's marker, with as many more 0xFF before it as a file may have. */
function withFill(jpeg: Buffer): Buffer {
  const at = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  return Buffer.concat([jpeg.subarray(0, at), Buffer.from([0xff, 0xff, 0xff]), jpeg.subarray(at)]);
}

function withoutHeight(jpeg: Buffer): Buffer {
  const copy = Buffer.from(jpeg);
  copy.writeUInt16BE(0, copy.indexOf(Buffer.from([0xff, 0xc0])) + 5);
  return copy;
}
