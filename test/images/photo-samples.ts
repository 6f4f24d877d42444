import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** A picture whose upper left quarter is red and the rest blue, so that a test can see when it was turned. */
export function corner(width = 64, height = 32) {
  const red = { create: { width: width / 2, height: height / 2, channels: 3, background: '#ff0000' } } as const;
  return sharp({ create: { width, height, channels: 3, background: '#0000ff' } }).composite([
    { input: red, top: 0, left: 0 },
  ]);
}

export const AVIF = await corner().avif().toBuffer();
export const JPEG = await corner().jpeg().toBuffer();
export const TIFF = await corner().tiff().toBuffer();

/** The first bytes of an iPhone's photo. */
export const HEIC = Buffer.from('\0\0\0\x24ftypheic\0\0\0\0mif1MiHBmiafheic\0\0\0\0', 'latin1');

/** A PNG of a few bytes that claims any size. */
export function claimedPng(width: number, height: number, bits: 8 | 16 = 8): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, 2, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const rows = deflateSync(Buffer.alloc(100_000));
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}
