import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { PhotoConverter } from '../../src/images/photo-converter.js';
import { Slots } from '../../src/common/slots.js';
import { AVIF, claimedPng, corner, HEIC, TIFF } from './photo-samples.js';

const MIB = 1024 * 1024;
const converter = new PhotoConverter();
const convert = (bytes: Buffer, side = 2048, maxBytes = MIB) => converter.convert(bytes, side, maxBytes, undefined);

async function jpegOf(bytes: Buffer, side?: number, maxBytes?: number): Promise<Buffer> {
  const converted = await convert(bytes, side, maxBytes);
  if (!converted.ok) throw new Error(converted.problem);
  return converted.jpeg;
}

/** The colour in the middle of a quarter. */
async function colourAt(jpeg: Buffer, x: number, y: number): Promise<'red' | 'blue'> {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  const at = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * info.channels;
  return (data[at] ?? 0) > (data[at + 2] ?? 0) ? 'red' : 'blue';
}

const noise = sharp({
  create: {
    width: 1200,
    height: 800,
    channels: 3,
    background: 'grey',
    noise: { type: 'gaussian', mean: 128, sigma: 90 },
  },
});
const NOISE = await noise.clone().jpeg().toBuffer();

describe('a photo that is converted', () => {
  it.each<[string, () => Buffer | Promise<Buffer>]>([
    ['AVIF', () => AVIF],
    ['TIFF', () => TIFF],
    ['a packed TIFF', () => corner().tiff({ compression: 'lzw' }).toBuffer()],
    ['a progressive JPEG', () => corner().jpeg({ progressive: true }).toBuffer()],
    ['a JPEG for print', () => corner().toColourspace('cmyk').jpeg().toBuffer()],
    ['a PNG of 16 bits', () => corner().toColourspace('rgb16').png().toBuffer()],
    ['a PNG with transparency', () => corner().ensureAlpha(0.5).png().toBuffer()],
    ['a PNG with a palette', () => corner().png({ palette: true }).toBuffer()],
    ['WebP', () => corner().webp().toBuffer()],
    ['GIF', () => corner().gif().toBuffer()],
  ])('a photo that is converted is a plain JPEG afterwards: %s', async (_name, make) => {
    const jpeg = await jpegOf(await make());
    expect(await sharp(jpeg).metadata()).toMatchObject({
      format: 'jpeg',
      space: 'srgb',
      channels: 3,
      width: 64,
      height: 32,
      isProgressive: false,
    });
    expect(await colourAt(jpeg, 0.25, 0.25)).toBe('red');
    expect(await colourAt(jpeg, 0.75, 0.75)).toBe('blue');
  });

  it('a photo that is converted stands upright, and tells nothing of its camera any more', async () => {
    const lying = await corner()
      .withExif({ IFD0: { Make: 'camera' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const jpeg = await jpegOf(lying);
    const metadata = await sharp(jpeg).metadata();
    expect(metadata).toMatchObject({ width: 32, height: 64 });
    expect(metadata.exif).toBeUndefined();
    expect(metadata.orientation).toBeUndefined();
    // Turned by a quarter to the right, the upper left corner is the upper right one.
    expect(await colourAt(jpeg, 0.75, 0.25)).toBe('red');
  });

  it('a photo that is converted is as large as its detail needs and no larger, and never larger than it was', async () => {
    expect(await sharp(await jpegOf(NOISE, 512)).metadata()).toMatchObject({ width: 512, height: 341 });
    expect(await sharp(await jpegOf(NOISE, 4096)).metadata()).toMatchObject({ width: 1200, height: 800 });
  });

  it('a photo that is converted is saved again until it takes no more bytes than it may', async () => {
    const bytes = await noise.clone().jpeg({ quality: 95 }).toBuffer();
    const good = await jpegOf(bytes, 2048, 4 * MIB);
    const small = await jpegOf(bytes, 2048, good.length - 1);
    expect(small.length).toBeLessThan(good.length);
    expect(await convert(bytes, 2048, 1000)).toEqual({ ok: false, problem: 'too_large' });
  });
});

describe('what is not converted', () => {
  it.each<[string, Buffer]>([
    ['HEIC', HEIC],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['SVG behind a declaration', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['HTML', Buffer.from('<!doctype html><title>busy</title>')],
    ['PDF', Buffer.from('%PDF-1.7\n1 0 obj\n')],
    ['half of a JPEG', NOISE.subarray(0, 20_000)],
    ['a JPEG of first bytes alone', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1, 1])],
    ['half of an AVIF', AVIF.subarray(0, 120)],
    ['a TIFF of first bytes alone', Buffer.from('II*\0\x08\0\0\0\0\0\0\0', 'latin1')],
    ["a camera's raw file", Buffer.from('II*\0\x10\0\0\0CR\x02\0', 'latin1')],
    ['an empty file', Buffer.alloc(0)],
  ])('%s is not converted: it is no photo', async (_name, bytes) => {
    expect(await convert(bytes)).toEqual({ ok: false, problem: 'not_a_photo' });
  });

  it.each<[number, number, 8 | 16]>([
    [60_000, 60_000, 8],
    [200_000, 500, 8],
    // Within the pixels, and yet 270 MB.
    [9_000, 5_000, 16],
  ])('a file of a few bytes that claims %i x %i pixels of %i bits is not decoded', async (width, height, bits) => {
    expect(await convert(claimedPng(width, height, bits))).toEqual({ ok: false, problem: 'too_large' });
  });
});

it('a JPEG that claims more pixels than a camera has is not decoded', async () => {
  const jpeg = Buffer.from(NOISE);
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(60_000, frame + 5);
  jpeg.writeUInt16BE(60_000, frame + 7);
  expect(await convert(jpeg)).toEqual({ ok: false, problem: 'too_large' });
});

it('a conversion lets the event loop turn while it decodes, one photo at a time', async () => {
  const large = await noise.clone().resize(4000, 3000).png({ compressionLevel: 1 }).toBuffer();
  let turns = 0;
  let running = true;
  const turn = () => {
    turns += 1;
    if (running) setImmediate(turn);
  };
  turn();
  const converted = await Promise.all([convert(large), convert(large)]);
  running = false;
  expect(converted.map(({ ok }) => ok)).toEqual([true, true]);
  expect(turns).toBeGreaterThan(100);
});

it('a conversion waits for its turn, and no longer than its caller', async () => {
  const turn = new Slots(1);
  await turn.take(1);
  const busy = new PhotoConverter(turn);
  const caller = new AbortController();
  const waiting = busy.convert(AVIF, 512, MIB, undefined).then(() => 'converted');
  const leaving = busy.convert(AVIF, 512, MIB, caller.signal);
  // Another one is through meanwhile.
  expect(await Promise.race([waiting, convert(AVIF).then(() => 'waits')])).toBe('waits');
  caller.abort(new Error('hung up'));
  await expect(leaving).rejects.toThrow('hung up');
  turn.give(1);
  expect(await waiting).toBe('converted');
  expect(turn.inUse).toBe(0);
});
