import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { judgeGet, judgeHead, type PhotoAnswer } from '../../src/images/photo-answer.js';
import { isPhotoType, photoFormatOf } from '../../src/images/photo-format.js';
import { withinThreshold } from '../../src/images/photo-thresholds.js';

const drawn = sharp({ create: { width: 8, height: 8, channels: 3, background: 'grey' } });
const JPEG = await drawn.clone().jpeg().toBuffer();
const PNG = await drawn.clone().png().toBuffer();
const WEBP = await drawn.clone().webp().toBuffer();
const GIF = await drawn.clone().gif().toBuffer();
/** Two frames, one black and one white. */
const ANIMATED = await sharp(Buffer.concat([Buffer.alloc(192), Buffer.alloc(192, 255)]), {
  raw: { width: 8, height: 16, channels: 3, pageHeight: 8 },
})
  .gif({ loop: 0 })
  .toBuffer();

describe('photoFormatOf', () => {
  it.each([
    ['jpeg', JPEG],
    ['png', PNG],
    ['webp', WEBP],
    ['gif', GIF],
  ])('photoFormatOf knows %s by its first bytes', (format, bytes) => {
    expect(photoFormatOf(bytes)).toBe(format);
    expect(photoFormatOf(bytes.subarray(0, 12))).toBe(format);
  });

  it.each([
    ['an animated GIF', ANIMATED],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['HTML', Buffer.from('<!doctype html><title>x</title>')],
    ['AVIF', Buffer.from('\0\0\0\x1cftypavif\0\0\0\0', 'latin1')],
    ['another RIFF', Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1')],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['a JPEG of three bytes', JPEG.subarray(0, 3)],
    ['nothing', Buffer.alloc(0)],
  ])('photoFormatOf takes no %s', (_name, bytes) => {
    expect(photoFormatOf(bytes)).toBeNull();
  });
});

it.each([
  ['image/jpeg', true],
  ['IMAGE/JPG; charset=binary', true],
  ['image/webp', true],
  ['image/svg+xml', false],
  ['image/avif', false],
  ['image/', false],
  ['text/html', false],
  ['application/octet-stream', false],
  ['x-image/jpeg', false],
  ['', false],
])('a HEAD of content type %j suffices: %s', (type, photo) => {
  expect(isPhotoType(type)).toBe(photo);
});

function answer(over: Partial<PhotoAnswer> & { readonly type?: string }): PhotoAnswer {
  const { type = 'image/jpeg', headers, ...rest } = over;
  return { status: 200, body: JPEG, bodyEnd: 'complete', headers: { 'content-type': type, ...headers }, ...rest };
}

describe('judgeHead', () => {
  it.each([
    [null, answer({})],
    [null, answer({ headers: { 'content-length': '1000' } })],
    [null, answer({ headers: { 'content-length': 'many' } })],
    ['too_large', answer({ headers: { 'content-length': '1001' } })],
    ['empty', answer({ headers: { 'content-length': '0' } })],
    ['status', answer({ status: 302 })],
    ['status', answer({ status: 405 })],
    ['not_image', answer({ type: 'text/html' })],
    ['not_image', answer({ type: 'image/svg+xml' })],
    ['not_image', { status: 200, headers: {}, body: Buffer.alloc(0), bodyEnd: 'complete' } as const],
  ])('judgeHead answers %s', (fault, given) => {
    expect(judgeHead(given, 1000)).toBe(fault);
  });
});

describe('judgeGet', () => {
  it.each([
    [null, answer({})],
    [null, answer({ bodyEnd: 'limit' })],
    [null, answer({ type: 'image/whatever' })],
    [null, answer({ status: 206, headers: { 'content-range': 'bytes 0-9/1000', 'content-length': '10' } })],
    [null, answer({ status: 206, headers: { 'content-range': 'bytes 0-9/*' } })],
    ['too_large', answer({ status: 206, headers: { 'content-range': 'bytes 0-9/1001', 'content-length': '10' } })],
    ['too_large', answer({ headers: { 'content-length': '1001' } })],
    ['status', answer({ status: 416 })],
    ['status', answer({ status: 404 })],
    [null, answer({ type: 'application/octet-stream' })],
    [null, answer({ type: 'text/html' })],
    [null, answer({ type: '' })],
    [null, { status: 200, headers: {}, body: JPEG, bodyEnd: 'complete' } as const],
    [null, answer({ headers: { 'content-encoding': 'gzip' } })],
    [null, answer({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(JPEG) })],
    [null, answer({ headers: { 'content-encoding': 'X-GZIP' }, body: gzipSync(JPEG).subarray(0, 400) })],
    [null, answer({ headers: { 'content-encoding': 'deflate' }, body: deflateSync(JPEG) })],
    [null, answer({ headers: { 'content-encoding': 'br' }, body: brotliCompressSync(JPEG) })],
    [null, answer({ headers: { 'content-encoding': 'zstd' }, body: Buffer.alloc(50) })],
    ['not_image', answer({ headers: { 'content-encoding': 'gzip' }, body: gzipSync('<!doctype html><html></html>') })],
    ['not_image', answer({ headers: { 'content-encoding': 'br' }, body: Buffer.from('<!doctype html>') })],
    ['not_image', answer({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(50_000_000)) })],
    ['not_image', answer({ body: Buffer.from('<!doctype html><html></html>') })],
    ['not_image', answer({ type: 'image/svg+xml', body: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') })],
    ['empty', answer({ body: Buffer.alloc(0) })],
    ['cut_off', answer({ bodyEnd: 'reset' })],
    ['cut_off', answer({ bodyEnd: 'deadline' })],
  ])('judgeGet answers %s', (fault, given) => {
    expect(judgeGet(given, 1000)).toBe(fault);
  });
});

it.each([
  [10, 0, 0.3, true],
  [10, 3, 0.3, true],
  [10, 4, 0.3, false],
  [20, 6, 0.3, true],
  [20, 7, 0.3, false],
  [3, 1, 0.3, false],
  [1, 1, 0.3, false],
  [1, 0, 0, true],
  [10, 1, 0, false],
  [10, 9, 1, true],
  [10, 10, 1, false],
  [0, 0, 0.3, false],
  [10, 7, 0.7, true],
])('of %i photos %i may be unreachable with %f allowed: %s', (total, unreachable, allowed, expected) => {
  expect(withinThreshold(total, unreachable, allowed)).toBe(expected);
});
