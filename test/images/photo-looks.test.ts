import { describe, expect, it } from 'vitest';
import { PHOTO_BYTES } from '../../src/images/photo-asker.js';
import { FakeClock } from '../support/fake-clock.js';
import { serveHttp, signalled } from '../outbound/loopback.js';
import { AVIF, HEIC } from './photo-samples.js';
import { checkerFor, getOnly, hurriedClock, IMAGE, JPEG, photo, type Handler } from './photo-host.js';

const look = () => true;

/** Answers a HEAD as a photo's host does, and a GET with the first bytes of this file. */
const partOf =
  (file: Buffer): Handler =>
  (request, response) => {
    const part = request.method === 'HEAD' ? Buffer.alloc(0) : file.subarray(0, PHOTO_BYTES);
    const range = { 'content-range': `bytes 0-${part.length - 1}/${file.length}` };
    if (request.method === 'HEAD') response.writeHead(200, { ...IMAGE, 'content-length': file.length }).end();
    else response.writeHead(206, { ...IMAGE, ...range, 'content-length': part.length }).end(part);
  };
const onHead =
  (get: Handler): Handler =>
  (request, response) => {
    if (request.method === 'HEAD') photo(request, response);
    else get(request, response);
  };

describe('a look at a photo', () => {
  it('tells its size by one more request on the same connection', async () => {
    const server = await serveHttp(partOf(JPEG));
    const url = `${server.origin}/1.jpg`;
    const found = await checkerFor().checkLot([url], { look });
    expect(found.sizes).toEqual(new Map([[url, { width: 400, height: 400 }]]));
    expect(server.requests).toEqual(['HEAD /1.jpg', 'GET /1.jpg']);
    expect(server.connections()).toBe(1);
  });

  it('is not taken unless it is asked for, and not again while the size is known', async () => {
    const server = await serveHttp(partOf(JPEG));
    const url = `${server.origin}/1.jpg`;
    const checker = checkerFor();
    expect((await checker.checkLot([url])).sizes.size).toBe(0);
    expect(server.requests).toEqual(['HEAD /1.jpg']);
    for (let n = 0; n < 2; n++) expect((await checker.checkLot([url], { look })).sizes.size).toBe(1);
    expect(server.requests).toEqual(['HEAD /1.jpg', 'HEAD /1.jpg', 'GET /1.jpg']);
  });

  it('needs no request of its own where the first bytes were read anyhow', async () => {
    const server = await serveHttp((request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end();
      else partOf(JPEG)(request, response);
    });
    const found = await checkerFor().checkLot([`${server.origin}/1.jpg`], { look });
    expect(found.sizes.size).toBe(1);
    expect(server.requests).toEqual(['HEAD /1.jpg', 'GET /1.jpg']);
  });

  it.each([
    ['a HEIC', HEIC],
    ['a page', Buffer.from('<!doctype html><title>Sign in</title>')],
  ])('finds %s that is called image/jpeg', async (_case, file) => {
    const server = await serveHttp(partOf(file));
    const url = `${server.origin}/1.jpg`;
    const checker = checkerFor();
    expect((await checker.checkLot([url])).reachable).toEqual([url]);
    expect(await checker.check(url, { look })).toMatchObject({ reachable: false, failure: 'not_image', final: true });
  });

  it('finds an AVIF that is called image/jpeg, which can be carried', async () => {
    const server = await serveHttp(partOf(AVIF));
    const url = `${server.origin}/1.jpg`;
    expect((await checkerFor({ carry: true }).checkLot([url], { look })).carried).toEqual([url]);
  });

  it.each([
    ['refuses a range', (_request, response) => void response.writeHead(416).end()],
    ['is busy', (_request, response) => void response.writeHead(503).end()],
    ['ignores the range of a large file', (_request, response) => void response.writeHead(200, IMAGE).end(JPEG)],
    ['breaks the connection', (request) => void request.socket.destroy()],
  ] as [string, Handler][])('is not tried again at a host that %s, and costs no photo', async (_case, get) => {
    const server = await serveHttp(onHead(get));
    const urls = Array.from({ length: 10 }, (_, index) => `${server.origin}/${index}.jpg`);
    const clock = hurriedClock();
    const checker = checkerFor({}, undefined, clock);
    expect(await checker.check(urls[0]!, { look })).toMatchObject({ reachable: true, size: null });
    expect(await checker.checkLot(urls, { look })).toMatchObject({ reachable: urls, missing: [] });
    expect(server.requests.filter((request) => request.startsWith('GET'))).toEqual(['GET /0.jpg']);
    clock.advance(10 * 60_000);
    await checker.check(`${server.origin}/later.jpg`, { look });
    expect(server.requests.slice(-2)).toEqual(['HEAD /later.jpg', 'GET /later.jpg']);
  });

  it('ends after a second at a host that hangs', async () => {
    const hangs = signalled();
    const server = await serveHttp(onHead(() => hangs.resolve()));
    const check = checkerFor({ getTimeoutSeconds: 600 }, undefined, new FakeClock({ at: Date.now() })).check(
      `${server.origin}/1.jpg`,
      { look },
    );
    await hangs.promise;
    expect(await check).toMatchObject({ reachable: true, size: null });
  });

  it('tells the format and the bytes of the file, by whichever request shows them', async () => {
    const file = { format: 'jpeg', bytes: JPEG.length, viaAllowList: true };
    const parts = await serveHttp(partOf(JPEG));
    expect(await checkerFor().check(`${parts.origin}/1.jpg`, { look })).toMatchObject({ file });
    const whole = await serveHttp(getOnly((_request, response) => response.writeHead(200, IMAGE).end(AVIF)));
    const avif = { reason: 'unreachable', file: { ...file, format: 'avif', bytes: AVIF.length } };
    expect(await checkerFor().check(`${whole.origin}/1.jpg`, { look })).toMatchObject(avif);
    const large = await serveHttp(partOf(JPEG));
    const many = { failure: 'too_large', file: { bytes: JPEG.length } };
    expect(await checkerFor({ maxBytes: 1000 }).check(`${large.origin}/1.jpg`, { look })).toMatchObject(many);
  });

  it('of a thorough caller takes the whole file where its host shows no part, of every photo', async () => {
    const server = await serveHttp(onHead((_request, response) => void response.writeHead(200, IMAGE).end(JPEG)));
    const checker = checkerFor();
    const size = { width: 400, height: 400 };
    for (const path of ['1', '2']) {
      const seen = { reachable: true, size, file: { format: 'jpeg', bytes: JPEG.length } };
      expect(await checker.check(`${server.origin}/${path}.jpg`, { look, thorough: true })).toMatchObject(seen);
    }
    // Others still leave the host alone.
    expect(await checker.check(`${server.origin}/3.jpg`, { look })).toMatchObject({ size: null });
    expect(server.requests.slice(-1)).toEqual(['HEAD /3.jpg']);
  });
});
