import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { ModelSettings } from '../../src/describe/model-settings.js';
import { checkedPhoto } from '../../src/generation/photo-check/checked-photo.js';
import { photosToCheck } from '../../src/generation/photo-check/photo-check-request.js';
import { ANSWER_MS, PhotoChecks } from '../../src/generation/photo-check/photo-checks.js';
import type { PhotoCheck, PhotoCheckOptions } from '../../src/images/photo-check.js';
import type { PhotoCarrier } from '../../src/images/photo-carrier.js';
import type { PhotoChecker } from '../../src/images/photo-checker.js';
import { AllowList } from '../../src/outbound/address-rules.js';
import { checkerFor, photo } from '../images/photo-host.js';
import { serveHttp, signalled } from '../outbound/loopback.js';
import { FakeClock } from '../support/fake-clock.js';

const ENVIRONMENT = { SHARED_KEY: 'k'.repeat(32), DATABASE_URL: 'postgres://unused/unused' };
const settingsOf = (environment: Record<string, string> = {}) =>
  new ModelSettings(loadConfig({ ...ENVIRONMENT, ...environment }));
const settings = settingsOf();
const URL_OF_PHOTO = 'https://cdn.example.com/1.jpg';
const carrier = { shown: (url: string, reason: string) => (url.includes('127.') ? 'unreachable' : reason) };
const checksWith = (checker: object, clock = new FakeClock()) =>
  new PhotoChecks(clock, checker as PhotoChecker, carrier as unknown as PhotoCarrier, settings);
const never = new AbortController().signal;

describe('what photo-check is asked', () => {
  const allow = AllowList.parse([]);
  const refusal = (body: unknown) => {
    try {
      photosToCheck(body, allow);
    } catch (error) {
      return error as { code: string; details: Record<string, unknown> };
    }
    throw new Error('taken');
  };

  it('photos are taken as a lot names them, and a repeated one stays', () => {
    const body = { images: [{ url: URL_OF_PHOTO, alt: 'front' }, URL_OF_PHOTO], lot_id: 7 };
    expect(photosToCheck(body, allow)).toEqual([URL_OF_PHOTO, URL_OF_PHOTO]);
  });

  it.each<[unknown, string]>([
    [undefined, 'images'],
    [[], 'images'],
    [{}, 'images'],
    [{ images: URL_OF_PHOTO }, 'images'],
    [{ images: [] }, 'images'],
    [{ images: [URL_OF_PHOTO, 7] }, 'images[1]'],
    [{ images: [{ src: URL_OF_PHOTO }] }, 'images[0]'],
  ])('%j is refused, and %s is named', (body, path) => {
    const { code, details } = refusal(body);
    expect([code, (details['fields'] as { path: string }[])[0]?.path]).toEqual(['VALIDATION_FAILED', path]);
  });

  it('a hundred are taken, and one more is refused', () => {
    const images = Array.from({ length: 100 }, (_, index) => `https://cdn.example.com/${index}.jpg`);
    expect(photosToCheck({ images }, allow)).toHaveLength(100);
    const { code, details } = refusal({ images: [...images, URL_OF_PHOTO] });
    expect([code, details]).toEqual(['TOO_MANY_IMAGES', { provided_images: 101, max_allowed: 100 }]);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://localhost/1.jpg',
    'data:image/png;base64,AAAA',
    'ftp://cdn.example.com/1.jpg',
    'https://user:word@cdn.example.com/1.jpg',
    'https://cdn.example.com:8443/1.jpg',
    'https://cdn.example.com/\0.jpg',
    '',
  ])('%j is refused as intake refuses it', (url) => {
    const { code, details } = refusal({ images: [URL_OF_PHOTO, url] });
    expect([code, details['count'], details['invalid_urls']]).toEqual(['INVALID_IMAGE_URLS', 1, [url]]);
  });
});

describe('what photo-check tells of a photo', () => {
  const file = { format: 'jpeg', bytes: 412_345, viaAllowList: false } as const;
  const there: PhotoCheck = { reachable: true, size: { width: 2048, height: 1536 }, file };

  it('the photo is told with its tokens and their price at both details', () => {
    // 512 × 384 pixels are 16 × 12 patches, 2048 × 1536 are 64 × 48, which is scaled down to 2,500 patches at most;
    // each patch is 1.2 tokens, a million of which cost 2 USD.
    const { low, high } = checkedPhoto(URL_OF_PHOTO, there, settings).tokens;
    expect(low).toBe(Math.ceil(16 * 12 * 1.2));
    expect(high).toBeLessThanOrEqual(3000);
    expect(high).toBeGreaterThan(2800);
    expect(checkedPhoto(URL_OF_PHOTO, there, settings)).toEqual({
      url: URL_OF_PHOTO,
      reachable: true,
      reason: null,
      format: 'jpeg',
      bytes: 412_345,
      width: 2048,
      height: 1536,
      tokens: { low, high },
      estimated_cost_usd: { low: (low ?? 0) / 500_000, high: (high ?? 0) / 500_000 },
    });
  });

  it('a photo whose size is not known is told with the most that it can take', () => {
    const told = checkedPhoto(URL_OF_PHOTO, { reachable: true, size: null, file }, settings);
    expect(told).toMatchObject({ width: null, height: null, tokens: { low: 308, high: 3000 } });
  });

  it('no cost is told where the price of the model is not known', () => {
    const unknown = settingsOf({ OPENAI_VISION_MODEL: 'a-model-without-price' });
    const told = checkedPhoto(URL_OF_PHOTO, there, unknown);
    expect(told.estimated_cost_usd).toEqual({ low: null, high: null });
    expect(told.tokens.high).toBeGreaterThan(0);
  });

  it('nothing is told of what a host in OUTBOUND_ALLOW answers, not even by the tokens', () => {
    const hidden = { format: null, bytes: null, width: null, height: null };
    const listed = { ...there, file: { ...file, viaAllowList: true } };
    const unknown = { low: 308, high: 3000 };
    expect(checkedPhoto(URL_OF_PHOTO, listed, settings)).toMatchObject({ ...hidden, reachable: true, tokens: unknown });
    const missing: PhotoCheck = {
      reachable: false,
      failure: 'too_large',
      reason: 'unreachable',
      final: true,
      file: { ...file, viaAllowList: true },
    };
    expect(checkedPhoto(URL_OF_PHOTO, missing, settings)).toMatchObject({ ...hidden, reason: 'unreachable' });
  });

  it.each<[string, Partial<PhotoCheck>, object]>([
    ['too large', { failure: 'too_large', reason: 'too_large', file }, { format: 'jpeg', bytes: 412_345 }],
    [
      'an AVIF',
      { failure: 'not_image', reason: 'not_a_photo', carriable: true, file: { ...file, format: 'avif' } },
      { format: 'avif', bytes: 412_345 },
    ],
    [
      'a page',
      { failure: 'not_image', reason: 'not_a_photo', file: { ...file, format: null } },
      { format: null, bytes: null },
    ],
    ['gone', { failure: 'status', reason: 'not_found', file }, { format: null, bytes: null }],
    ['silent', { failure: 'timeout', reason: 'timeout' }, { format: null, bytes: null }],
  ])('a photo that is %s is told with what helps to mend it', (_case, check, told) => {
    const missing = { reachable: false, final: true, ...check } as PhotoCheck;
    const none = { low: null, high: null };
    const { reason } = missing as { reason: string };
    expect(checkedPhoto(URL_OF_PHOTO, missing, settings)).toEqual({
      url: URL_OF_PHOTO,
      reachable: false,
      reason,
      width: null,
      height: null,
      ...told,
      tokens: none,
      estimated_cost_usd: none,
    });
  });
});

describe('how photo-check asks', () => {
  it('an address that is named twice is asked once and answered twice, in the order asked', async () => {
    const server = await serveHttp((request, response) => {
      if (request.url === '/gone.jpg') response.writeHead(404).end();
      else photo(request, response);
    });
    const urls = ['/1.jpg', '/gone.jpg', '/1.jpg', '/2.jpg'].map((path) => server.origin + path);
    const checker = checkerFor();
    const told = await checksWith(checker).check('acme', urls, never);
    expect(told.map(({ url, reachable }) => [url, reachable])).toEqual(
      urls.map((url) => [url, !url.endsWith('/gone.jpg')]),
    );
    expect(server.requests.filter((request) => request.endsWith('/1.jpg'))).toEqual(['HEAD /1.jpg', 'GET /1.jpg']);
  });

  it('the answer comes in time though a host is silent, and its work ends', async () => {
    const asked = signalled();
    const closed = signalled();
    const server = await serveHttp((request, response) => {
      if (request.url === '/1.jpg') return photo(request, response);
      request.socket.on('close', () => closed.resolve());
      asked.resolve();
    });
    const clock = new FakeClock({ at: Date.now() });
    const urls = [`${server.origin}/silent.jpg`, `${server.origin}/1.jpg`];
    const told = checksWith(checkerFor({ headTimeoutSeconds: 600 }, undefined, clock), clock).check(
      'acme',
      urls,
      never,
    );
    await asked.promise;
    clock.advance(ANSWER_MS);
    expect((await told).map(({ reachable, reason }) => [reachable, reason])).toEqual([
      [false, 'unreachable'],
      [expect.any(Boolean), expect.anything()],
    ]);
    await closed.promise;
    expect(clock.waiting).toBe(0);
  });

  it('nothing goes on for a client that has hung up', async () => {
    const asked = signalled();
    const closed = signalled();
    const server = await serveHttp((request) => {
      request.socket.on('close', () => closed.resolve());
      asked.resolve();
    });
    const clock = new FakeClock({ at: Date.now() });
    const checks = checksWith(checkerFor({ headTimeoutSeconds: 600 }, undefined, clock), clock);
    const client = new AbortController();
    const told = checks.check('acme', [`${server.origin}/1.jpg`], client.signal);
    await asked.promise;
    client.abort(new Error('hung up'));
    await expect(told).rejects.toThrow('hung up');
    await closed.promise;
    expect(clock.waiting).toBe(0);
  });

  it('silent photos leave room for the key’s next request, for another key’s photos, and for those of lots', async () => {
    const begun: string[] = [];
    const checker = {
      check: (url: string, { signal }: PhotoCheckOptions) => {
        begun.push(url);
        return new Promise((_resolve, reject) =>
          signal?.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      },
    };
    const clock = new FakeClock();
    const checks = checksWith(checker, clock);
    const told: Promise<unknown>[] = [];
    /** A request for a hundred photos. @returns how many of them have begun */
    const ask = async (key: string, request: number) => {
      const host = `https://${key}${request}.example.com/`;
      told.push(
        checks.check(
          key,
          [...Array(100).keys()].map((n) => `${host}${n}.jpg`),
          never,
        ),
      );
      // Whoever can begin has begun by then.
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      return begun.filter((url) => url.startsWith(host)).length;
    };
    const ofKey = [await ask('a', 1), await ask('a', 2), await ask('a', 3), await ask('a', 4)];
    expect(ofKey).toEqual([32, 32, 32, 0]);
    const others = [await ask('b', 1), await ask('c', 1), await ask('d', 1), await ask('e', 1)];
    // All together they are fewer than half of what waiting clients may take.
    expect(others).toEqual([32, 32, 32, 0]);
    clock.advance(ANSWER_MS);
    const answers = (await Promise.all(told)) as { reason: string }[][];
    expect(answers.flat().filter(({ reason }) => reason === 'timeout')).toHaveLength(800);
    expect(await ask('e', 2)).toBe(32);
    clock.advance(ANSWER_MS);
    await Promise.all(told);
  });
});
