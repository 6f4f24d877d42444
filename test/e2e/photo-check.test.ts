import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { OutboundClient } from '../../src/outbound/outbound-client.js';
import { hmac, TestService } from '../support/service.js';

// Real: the whole service as an api, PostgreSQL, a host of photos on loopback, which OUTBOUND_ALLOW names.

const PHOTO_CHECK = '/api/v1/photo-check';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('POST photo-check', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({ environment: { ROLE: 'api' } });
  });
  afterAll(() => service.stop());

  const check = (body: unknown, to = service) =>
    to.send(PHOTO_CHECK, { method: 'POST', headers: JSON_TYPE }, JSON.stringify(body));

  it('says which photos are there, asks no model and stores nothing', async () => {
    const before = await service.rowCounts();
    const gone = service.photos.url('gone.jpg');
    const { status, body, headers } = await check({ images: [{ url: service.urls.car }, gone, service.urls.car] });
    expect(status).toBe(200);
    const hidden = { format: null, bytes: null, width: null, height: null };
    const tokens = { low: 308, high: 3000 };
    const there = { ...hidden, url: service.urls.car, reachable: true, reason: null, tokens };
    const costs = { low: 0.000616, high: 0.006 };
    const missing = { ...hidden, url: gone, reachable: false, reason: 'unreachable' };
    const none = { low: null, high: null };
    expect(body).toEqual({
      photos: [
        { ...there, estimated_cost_usd: costs },
        { ...missing, tokens: none, estimated_cost_usd: none },
        { ...there, estimated_cost_usd: costs },
      ],
    });
    expect(headers.get('ratelimit-policy')).toContain('"sync"');
    expect(await service.rowCounts()).toEqual(before);
    expect(await service.callCounts()).toEqual({ vision: 0, translation: 0 });
  });

  it('takes a hundred addresses of the greatest length, and refuses a longer body', async () => {
    const images = Array.from({ length: 100 }, (_, n) => `${service.urls.car}?${n}`.padEnd(4096, 'x'));
    const { status, body } = await check({ images });
    expect([status, (body['photos'] as JsonObject[]).length]).toEqual([200, 100]);
    const long = await check({ images: [service.urls.car], comment: 'x'.repeat(600_000) });
    expect([long.status, long.body['code']]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  it('refuses an address as generate-descriptions refuses it', async () => {
    const images = [service.urls.car, 'http://10.0.0.1/1.jpg', 'ftp://cdn.example.com/1.jpg'];
    const checked = await check({ images });
    const generated = await service.generate(service.request({}, { images }));
    expect(checked.status).toBe(422);
    const stated = ({ error, message, code, details, invalid_urls: urls }: JsonObject) => [
      error,
      message,
      code,
      details,
      urls,
    ];
    expect(stated(checked.body)).toEqual(stated(generated.body));
  });

  it('is opened by scheme 1 alone', async () => {
    const body = JSON.stringify({ images: [service.urls.car] });
    const headers = { ...JSON_TYPE, 'X-Key-Id': 'acme', 'X-Signature': hmac(body) };
    const answer = await service.sendAsIs(PHOTO_CHECK, 'POST', headers, body);
    expect([answer.status, answer.body['code']]).toEqual([403, 'INVALID_SIGNATURE']);
  });

  it('counts as a synchronous request', async () => {
    const limited = await TestService.start({ beside: service, environment: { ROLE: 'api', RATE_LIMIT_SYNC: '2' } });
    try {
      expect((await check({ images: [service.urls.car] }, limited)).status).toBe(200);
      expect((await limited.generate(limited.request())).status).toBe(200);
      expect((await check({ images: [service.urls.car] }, limited)).body['code']).toBe('RATE_LIMITED');
    } finally {
      await limited.stop();
    }
  });

  it('asks to send again when the service is shutting down', async () => {
    const ending = await TestService.start({ beside: service, environment: { ROLE: 'api' } });
    try {
      await ending.app.get(OutboundClient).onApplicationShutdown();
      const { status, body, headers } = await check({ images: [service.urls.car] }, ending);
      expect([status, body['code'], headers.get('retry-after')]).toEqual([503, 'SERVICE_UNAVAILABLE', '5']);
    } finally {
      await ending.stop();
    }
  });
});
