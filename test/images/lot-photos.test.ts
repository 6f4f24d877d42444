import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics.js';
import { FAILURES_TO_REST } from '../../src/images/host-rests.js';
import { serveHttp, serveTcp, signalled } from '../outbound/loopback.js';
import { checkerFor, IMAGE, photo, type Handler } from './photo-host.js';

describe("a lot's photos", () => {
  const byName: Handler = (request, response) => {
    if (request.url?.startsWith('/gone') === true) response.writeHead(404).end();
    else photo(request, response);
  };

  it('come back in order, one that is named twice once', async () => {
    const server = await serveHttp(byName);
    const url = (name: string): string => `${server.origin}/${name}`;
    const urls = [url('a'), url('gone1'), url('b'), url('a'), url('c')];
    expect(await checkerFor().checkLot(urls)).toEqual({
      reachable: [url('a'), url('b'), url('c')],
      carried: [],
      missing: [{ url: url('gone1'), reason: 'unreachable' }],
      withinThreshold: true,
      restingUntil: null,
    });
    expect([...server.requests].sort()).toEqual(['GET /gone1', 'HEAD /a', 'HEAD /b', 'HEAD /c', 'HEAD /gone1']);
  });

  it.each([
    [10, 3, true],
    [10, 4, false],
    [1, 1, false],
  ])('of %i, %i are missing: enough are left: %s', async (total, missing, expected) => {
    const server = await serveHttp(byName);
    const urls = Array.from(
      { length: total },
      (_, index) => `${server.origin}/${index < missing ? 'gone' : 'here'}${index}`,
    );
    const photos = await checkerFor().checkLot(urls);
    expect([photos.missing.length, photos.withinThreshold]).toEqual([missing, expected]);
  });

  it('are asked for side by side', async () => {
    const all = signalled();
    const held: ServerResponse[] = [];
    const server = await serveHttp((_request, response) => {
      held.push(response.writeHead(200, IMAGE));
      if (held.length === 20) all.resolve();
    });
    const lot = checkerFor().checkLot(Array.from({ length: 20 }, (_, index) => `${server.origin}/${index}`));
    await all.promise;
    for (const response of held) response.end();
    expect((await lot).reachable).toHaveLength(20);
  });

  it("keep within their lane's limit for a host, and leave the other lane alone", async () => {
    let running = 0;
    let most = 0;
    const batchRuns = signalled();
    const release = signalled();
    const server = await serveHttp((request, response) => {
      if (request.url?.startsWith('/sync') === true) return photo(request, response);
      most = Math.max(most, ++running);
      response.on('finish', () => running--);
      if (running === 3) batchRuns.resolve();
      void release.promise.then(() => photo(request, response));
    });
    const limits = { sync: { total: 4, perHost: 2 }, batch: { total: 4, perHost: 3 } };
    const checker = checkerFor({}, limits);
    const urls = (name: string): string[] =>
      Array.from({ length: 8 }, (_, index) => `${server.origin}/${name}${index}`);
    const batch = checker.checkLot(urls('batch'), { lane: 'batch' });
    await batchRuns.promise;
    expect((await checker.checkLot(urls('sync'))).reachable).toHaveLength(8);
    release.resolve();
    expect((await batch).reachable).toHaveLength(8);
    expect(most).toBe(3);
  });

  it('stop with the signal, those that run and those that wait', async () => {
    const arrived = signalled();
    const server = await serveHttp(() => arrived.resolve());
    const stop = new AbortController();
    const lot = checkerFor({}, { sync: { total: 2, perHost: 2 }, batch: { total: 1, perHost: 1 } }).checkLot(
      Array.from({ length: 50 }, (_, index) => `${server.origin}/${index}`),
      { signal: stop.signal },
    );
    await arrived.promise;
    stop.abort(new Error('the client hung up'));
    await expect(lot).rejects.toThrow('the client hung up');
    expect(server.requests.length).toBeLessThanOrEqual(2);
  });

  it('show that their host rests after twenty failures of its own; an answer of any kind ends that', async () => {
    let up = false;
    const server = await serveTcp((socket) => {
      socket.once('data', () =>
        up ? socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n') : socket.destroy(),
      );
    });
    const checker = checkerFor();
    const urls = Array.from({ length: FAILURES_TO_REST }, (_, index) => `${server.origin}/${index}.jpg`);
    const first = await checker.checkLot(urls.slice(1), { lane: 'batch' });
    expect([first.withinThreshold, first.restingUntil]).toEqual([false, null]);
    const second = await checker.checkLot(urls.slice(0, 1), { lane: 'batch' });
    expect(second.restingUntil).toBeGreaterThan(Date.now());
    expect(checker.restingUntil(urls)).toBe(second.restingUntil);
    expect(checker.restingUntil(['http://other.test/1.jpg', 'not a url'])).toBeNull();
    up = true;
    expect((await checker.checkLot(urls)).restingUntil).toBeNull();
    expect(checker.restingUntil(urls)).toBeNull();
  });

  it('are not asked for on a resting host whose rest is trusted: only what was under way is', async () => {
    const server = await serveHttp((_request, response) => response.writeHead(503).end());
    const checker = checkerFor();
    const url = (index: number) => `${server.origin}/${index}.jpg`;
    const many = Array.from({ length: FAILURES_TO_REST * 20 }, (_, index) => url(index));
    const photos = await checker.checkLot(many, { lane: 'batch', trustRests: true });
    expect(photos).toMatchObject({
      reachable: [],
      missing: many.map((url) => ({ url, reason: 'unreachable' })),
      withinThreshold: false,
    });
    const asked = server.requests.length;
    // Each photo is a HEAD and a GET, and at most as many as a lane has places were begun before the host's rest.
    expect(asked).toBeGreaterThanOrEqual(FAILURES_TO_REST * 2);
    expect(asked).toBeLessThanOrEqual((FAILURES_TO_REST + 32) * 2);
    await checker.checkLot([url(0)], { lane: 'batch', trustRests: true });
    expect(server.requests).toHaveLength(asked);
    await checker.checkLot([url(0)], { lane: 'batch' });
    expect(server.requests).toHaveLength(asked + 2);
  });

  it('that were deleted do not make a healthy host rest', async () => {
    const server = await serveHttp((_request, response) => response.writeHead(404).end());
    const urls = Array.from({ length: FAILURES_TO_REST + 5 }, (_, index) => `${server.origin}/${index}.jpg`);
    expect((await checkerFor().checkLot(urls)).restingUntil).toBeNull();
  });

  it('are counted by outcome', async () => {
    const server = await serveHttp(byName);
    const count = async (outcome: string): Promise<number> => {
      const metric = await metricsRegistry.getSingleMetric('photo_checks_total')?.get();
      return metric?.values.find((value) => value.labels['outcome'] === outcome)?.value ?? 0;
    };
    const before = [await count('head'), await count('status')];
    await checkerFor().checkLot([`${server.origin}/a`, `${server.origin}/gone`]);
    expect([await count('head'), await count('status')]).toEqual(before.map((value) => value + 1));
  });
});
