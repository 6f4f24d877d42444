import type { RequestListener, ServerResponse } from 'node:http';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AppConfig } from '../../src/config/app-config.js';
import { PhotoCarrier } from '../../src/images/photo-carrier.js';
import { AllowList } from '../../src/outbound/address-rules.js';
import { OutboundClient } from '../../src/outbound/outbound-client.js';
import { serveHttp } from '../outbound/loopback.js';
import { StubResolver } from '../outbound/stub-resolver.js';
import { hurriedClock } from './photo-host.js';
import { AVIF, HEIC, JPEG, TIFF } from './photo-samples.js';

const SIDE = 512;

function carrierWith(images: Partial<AppConfig['images']> = {}, clock = hurriedClock()): PhotoCarrier {
  const allow = AllowList.parse(['127.0.0.1/32']);
  const outbound = new OutboundClient(allow, new StubResolver().answer('inside.test', ['10.0.0.1']));
  onTestFinished(() => outbound.onApplicationShutdown());
  const settings = { maxBytes: 1_000_000, getTimeoutSeconds: 20, carry: true, ...images };
  return new PhotoCarrier({ images: settings } as AppConfig, outbound, allow, clock);
}

async function hostOf(...answers: RequestListener[]) {
  let asked = 0;
  const server = await serveHttp((request, response) =>
    answers[Math.min(asked++, answers.length - 1)]?.(request, response),
  );
  return { url: `${server.origin}/photo.jpg`, server };
}

const sends =
  (bytes: Buffer, type = 'image/jpeg'): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': type }).end(bytes);
  };
const says =
  (status: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers).end();
  };

describe('a photo that we carry', () => {
  it.each([
    ['AVIF that is called JPEG', AVIF],
    ['TIFF', TIFF],
    ['a good JPEG', JPEG],
  ])('a photo that we carry is sent as a JPEG: %s', async (_name, bytes) => {
    const { url, server } = await hostOf(sends(bytes));
    const carried = await carrierWith().carry(url, SIDE, undefined);
    if (!carried.ok) throw new Error(carried.problem);
    const [head, data = ''] = carried.dataUrl.split(',');
    expect(head).toBe('data:image/jpeg;base64');
    const jpeg = Buffer.from(data, 'base64');
    expect(jpeg).toHaveLength(carried.bytes);
    expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 64 });
    expect(server.requests).toEqual(['GET /photo.jpg']);
  });

  it.each<[string, RequestListener, number]>([
    ['503', says(503), 500],
    ['429 with Retry-After', says(429, { 'retry-after': '2' }), 2000],
    ['503 with a long Retry-After', says(503, { 'retry-after': '3600' }), 5000],
    ['a broken connection', (_request, response) => response.destroy(), 500],
    [
      'half of it',
      (_request, response) => {
        response.writeHead(200, { 'content-length': AVIF.length });
        response.write(AVIF.subarray(0, 100), () => response.destroy());
      },
      500,
    ],
  ])('a photo that we carry is asked for once more after %s', async (_name, first, wait) => {
    const clock = hurriedClock();
    const { url } = await hostOf(first, sends(AVIF));
    expect(await carrierWith({}, clock).carry(url, SIDE, undefined)).toMatchObject({ ok: true });
    expect(clock.skipped).toEqual([wait]);
  });

  it.each<[string, RequestListener, string, number]>([
    ['busy twice', says(503), 'not_fetched', 2],
    ['gone', says(404), 'not_fetched', 1],
    ['HEIC', sends(HEIC), 'not_a_photo', 1],
    ['SVG', sends(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/png'), 'not_a_photo', 1],
    ['cut by its host', sends(AVIF.subarray(0, 100)), 'not_a_photo', 1],
    ['more bytes than a photo may have', sends(Buffer.alloc(1_000_001, 0xff)), 'too_large', 1],
  ])('a photo is not carried that is %s', async (_name, answer, problem, requests) => {
    const { url, server } = await hostOf(answer);
    expect(await carrierWith().carry(url, SIDE, undefined)).toEqual({ ok: false, problem });
    expect(server.requests).toHaveLength(requests);
  });

  it('a photo that we carry is fetched through the guard', async () => {
    const carrier = carrierWith();
    for (const url of ['http://10.0.0.1/1.jpg', 'http://inside.test/1.jpg', 'http://[::1]/1.jpg']) {
      expect(await carrier.carry(url, SIDE, undefined)).toEqual({ ok: false, problem: 'not_fetched' });
    }
    const { url } = await hostOf(says(302, { location: 'http://inside.test/1.jpg' }));
    expect(await carrier.carry(url, SIDE, undefined)).toEqual({ ok: false, problem: 'not_fetched' });
  });

  it('a photo that we carry stops with its caller', async () => {
    const caller = new AbortController();
    const { url } = await hostOf(() => caller.abort(new Error('hung up')));
    await expect(carrierWith().carry(url, SIDE, caller.signal)).rejects.toThrow();
  });

  it('a photo that we carry is never one of more bytes at a time than are fetched at once', async () => {
    const open: ServerResponse[] = [];
    let most = 0;
    const { url } = await hostOf((_request, response) => {
      most = Math.max(most, open.push(response));
      // Two wait for each other, and long enough for a third to come if it may.
      if (open.length === 2) setTimeout(() => open.splice(0).forEach((each) => each.end(AVIF)), 20);
    });
    const carrier = carrierWith({ maxBytes: 20 * 1024 * 1024 });
    await Promise.all(Array.from({ length: 12 }, (_, index) => carrier.carry(`${url}?${index}`, SIDE, undefined)));
    expect(most).toBe(2);
  });
});

it.each([
  ['avif', AVIF],
  ['tiff', TIFF],
  ['other', HEIC],
  ['jpeg', JPEG],
  ['unknown', Buffer.alloc(0)],
])('the first bytes of a photo alone are looked at (%s)', async (format, bytes) => {
  const { url } = await hostOf(sends(bytes));
  expect(await carrierWith().look(url, undefined)).toBe(format);
});

it("nothing is said of a carried photo's host that OUTBOUND_ALLOW names", () => {
  const carrier = carrierWith();
  expect(carrier.shown('http://127.0.0.1/1.jpg', 'not_a_photo')).toBe('unreachable');
  expect(carrier.shown('https://cdn.test/1.jpg', 'openai')).toBe('openai');
});

it('a request has room for twenty carried photos of a lot in whatever detail', () => {
  const carrier = carrierWith();
  for (const side of [512, 2048, 4096]) {
    expect(carrier.mostPhotos(side)).toBeGreaterThanOrEqual(20);
    expect(carrier.mostPhotos(side) * carrier.mostBytes(side)).toBeLessThanOrEqual(48 * 1024 * 1024);
  }
});
