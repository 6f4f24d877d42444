import { describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/clock.js';
import { serveHttp, serveTcp, signalled } from '../outbound/loopback.js';
import { checkerFor, hurriedClock, photo, type Handler } from './photo-host.js';

const names = (origin: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${origin}/${index}.jpg`);

/** Takes so many requests side by side and answers 503 to the rest, as nginx's limit_conn does. */
function limited(most: number): Handler {
  let running = 0;
  return (request, response) => {
    if (running >= most) {
      response.writeHead(503).end();
      return;
    }
    running++;
    response.on('close', () => running--);
    setTimeout(() => photo(request, response), 5);
  };
}

/** Answers to so many and then 429 until a second has passed on this clock. */
function rationed(clock: Clock, most: number): Handler {
  let began = 0;
  let answered = 0;
  return (request, response) => {
    if (clock.now() - began >= 1000) {
      began = clock.now();
      answered = 0;
    }
    if (++answered <= most) photo(request, response);
    else response.writeHead(429, { 'retry-after': '1' }).end();
  };
}

describe('a photo host that says "not now"', () => {
  it.each([6, 16])('a host of %i connections at a time gives all photos to a client on the line', async (most) => {
    const server = await serveHttp(limited(most));
    const found = await checkerFor({}, undefined, new Clock()).checkLot(names(server.origin, 20));
    expect(found).toMatchObject({ missing: [], withinThreshold: true });
    expect(server.requests.length).toBeLessThan(80);
  });

  it('a host that answers 429 with Retry-After gives all photos, and is asked for little more than it gives', async () => {
    const clock = hurriedClock();
    const server = await serveHttp(rationed(clock, 50));
    const checker = checkerFor({}, undefined, clock);
    const until = clock.now() + 3_600_000;
    const found = await checker.checkLot(names(server.origin, 400), { lane: 'batch', until });
    expect(found).toMatchObject({ missing: [], open: [] });
    // HEAD finds each; what is above it was told "not now".
    expect(server.requests.length).toBeLessThan(1000);
  });

  it.each<[string, Handler]>([
    ['503', (_request, response) => response.writeHead(503).end()],
    ['500', (_request, response) => response.writeHead(500).end()],
    ['502', (_request, response) => response.writeHead(502).end()],
    ['504', (_request, response) => response.writeHead(504).end()],
    ['429', (_request, response) => response.writeHead(429).end()],
    [
      '429 until a date',
      (_request, response) =>
        response.writeHead(429, { 'retry-after': new Date(Date.now() + 2000).toUTCString() }).end(),
    ],
    ['408', (_request, response) => response.writeHead(408).end()],
    ['425', (_request, response) => response.writeHead(425).end()],
    ['broken connections', (_request, response) => response.destroy()],
    [
      'half an answer',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 500 });
        response.write('x', () => response.destroy());
      },
    ],
  ])('a host that says "not now" for a moment, by %s, is asked again', async (_case, refuse) => {
    let left = 4;
    const server = await serveHttp((request, response) => {
      if (left-- > 0) refuse(request, response);
      else photo(request, response);
    });
    expect(await checkerFor().checkLot(names(server.origin, 3))).toMatchObject({ missing: [], withinThreshold: true });
  });

  it('a host that says "not now" without end is given up by a client on the line after some rounds', async () => {
    const clock = hurriedClock();
    const server = await serveHttp((_request, response) => response.writeHead(503).end());
    const began = clock.now();
    const urls = names(server.origin, 20);
    const found = await checkerFor({}, undefined, clock).checkLot(urls);
    expect(found).toMatchObject({ reachable: [], open: [], withinThreshold: false });
    expect(found.missing).toHaveLength(20);
    expect(clock.now() - began).toBeLessThan(20_000);
    expect(server.requests.length).toBeLessThan(100);
  });

  it('a host that says "not now" for longer than a client waits is not asked again before', async () => {
    const server = await serveHttp((_request, response) => response.writeHead(429, { 'retry-after': '60' }).end());
    const checker = checkerFor();
    expect((await checker.checkLot(names(server.origin, 1))).missing).toHaveLength(1);
    const asked = server.requests.length;
    await checker.checkLot(names(server.origin, 2));
    expect([asked, server.requests.length]).toEqual([1, 1]);
  });

  it('a host that says "not now" leaves its photos open for a batch, tells when to ask again, and is hardly asked while it rests', async () => {
    const clock = hurriedClock();
    const server = await serveTcp((socket) => socket.once('data', () => socket.destroy()));
    const checker = checkerFor({}, undefined, clock);
    const urls = names(server.origin, 300);
    const until = clock.now() + 20_000;
    const found = await checker.checkLot(urls, { lane: 'batch', until });
    expect(found.open).toHaveLength(300);
    expect(found.open[0]).toEqual({ url: urls[0], reason: 'unreachable', hostAnswers: false });
    expect(found).toMatchObject({ missing: [], reachable: [], withinThreshold: true });
    expect(checker.restingUntil(urls)).toBeGreaterThan(clock.now());
    const asked = server.connections();
    expect(asked).toBeLessThan(200);
    await checker.checkLot(urls, { lane: 'batch', until: clock.now() });
    expect(server.connections()).toBe(asked);
    expect(checker.restingUntil([...urls, 'http://other.test/1.jpg'])).toBeNull();
  });

  it('a host that says "not now" to a batch is still asked by a client on the line', async () => {
    let up = false;
    const server = await serveHttp((request, response) => {
      if (up) photo(request, response);
      else response.destroy();
    });
    const checker = checkerFor();
    const urls = names(server.origin, 3);
    await checker.checkLot(urls, { lane: 'batch' });
    expect(checker.restingUntil(urls)).not.toBeNull();
    up = true;
    expect((await checker.checkLot(urls)).missing).toEqual([]);
    expect(checker.restingUntil(urls)).toBeNull();
  });

  it('a host that says "not now" on one port says nothing of another', async () => {
    const down = await serveHttp((_request, response) => response.writeHead(503, { 'retry-after': '60' }).end());
    const well = await serveHttp(photo);
    const checker = checkerFor();
    await checker.checkLot(names(down.origin, 5), { lane: 'batch' });
    expect(checker.restingUntil(names(down.origin, 1))).not.toBeNull();
    expect(checker.restingUntil(names(well.origin, 1))).toBeNull();
    expect((await checker.checkLot(names(well.origin, 5), { lane: 'batch' })).reachable).toHaveLength(5);
  });

  it.each([404, 410, 400, 401, 403, 451])('a host that answers %i does not say "not now"', async (status) => {
    const server = await serveHttp((_request, response) => response.writeHead(status).end());
    const checker = checkerFor();
    const found = await checker.checkLot(names(server.origin, 25), { lane: 'batch' });
    expect([found.missing.length, found.open.length]).toEqual([25, 0]);
    expect(checker.restingUntil(names(server.origin, 1))).toBeNull();
  });
});

describe('an address that many lots name', () => {
  it('an address that many lots name is asked for once, whether it is there or not', async () => {
    const server = await serveHttp((request, response) => {
      if (request.url === '/gone.jpg') response.writeHead(404).end();
      else photo(request, response);
    });
    const checker = checkerFor();
    const urls = [`${server.origin}/placeholder.jpg`, `${server.origin}/gone.jpg`];
    const lots = await Promise.all(Array.from({ length: 100 }, () => checker.checkLot(urls, { lane: 'batch' })));
    const later = await checker.checkLot(urls, { lane: 'batch' });
    for (const lot of [...lots, later]) expect([lot.reachable.length, lot.missing.length]).toEqual([1, 1]);
    expect([...server.requests].sort()).toEqual(['GET /gone.jpg', 'HEAD /gone.jpg', 'HEAD /placeholder.jpg']);
  });

  it('an address that many lots name is asked for anew by a client on the line that was told it is not there', async () => {
    let mended = false;
    const server = await serveHttp((request, response) => {
      if (mended) photo(request, response);
      else response.writeHead(404).end();
    });
    const checker = checkerFor();
    const urls = names(server.origin, 1);
    expect((await checker.checkLot(urls)).missing).toHaveLength(1);
    mended = true;
    expect((await checker.checkLot(urls)).reachable).toEqual(urls);
  });

  it('an address that many lots name goes on being asked for when the lot that began it is called off', async () => {
    const arrived = signalled();
    const release = signalled();
    const server = await serveHttp((request, response) => {
      arrived.resolve();
      void release.promise.then(() => photo(request, response));
    });
    const checker = checkerFor();
    const urls = names(server.origin, 1);
    const stop = new AbortController();
    const first = checker.checkLot(urls, { signal: stop.signal });
    const second = checker.checkLot(urls);
    await arrived.promise;
    stop.abort(new Error('the client hung up'));
    await expect(first).rejects.toThrow('the client hung up');
    release.resolve();
    expect((await second).reachable).toEqual(urls);
    expect(server.requests).toHaveLength(1);
  });
});
