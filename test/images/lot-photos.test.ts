import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { serveHttp, signalled } from '../outbound/loopback.js';
import { checkerFor, IMAGE, photo, type Handler } from './photo-host.js';

describe("a lot's photos", () => {
  const byName: Handler = (request, response) => {
    if (request.url?.startsWith('/gone') === true) response.writeHead(404).end();
    else photo(request, response);
  };

  it("a lot's photos come back in order, one that is named twice once", async () => {
    const server = await serveHttp(byName);
    const url = (name: string): string => `${server.origin}/${name}`;
    const urls = [url('a'), url('gone1'), url('b'), url('a'), url('c')];
    expect(await checkerFor().checkLot(urls)).toEqual({
      reachable: [url('a'), url('b'), url('c')],
      carried: [],
      missing: [{ url: url('gone1'), reason: 'unreachable' }],
      sizes: new Map(),
      open: [],
      withinThreshold: true,
    });
    expect([...server.requests].sort()).toEqual(['GET /gone1', 'HEAD /a', 'HEAD /b', 'HEAD /c', 'HEAD /gone1']);
  });

  it.each([
    [10, 3, true],
    [10, 4, false],
    [1, 1, false],
  ])('of %i photos of a lot %i are missing, and enough are left: %s', async (total, missing, expected) => {
    const server = await serveHttp(byName);
    const urls = Array.from(
      { length: total },
      (_, index) => `${server.origin}/${index < missing ? 'gone' : 'here'}${index}`,
    );
    const photos = await checkerFor().checkLot(urls);
    expect([photos.missing.length, photos.withinThreshold]).toEqual([missing, expected]);
  });

  it("a lot's photos are asked for side by side", async () => {
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

  it("a lot's photos keep within their lane's limit for a host, and leave the other lane alone", async () => {
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

  it("a lot's photos stop with the signal, those that run and those that wait", async () => {
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

  it("a lot's photos are counted by outcome", async () => {
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
