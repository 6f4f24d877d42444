import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestService, type Answer } from '../support/service.js';

let service: TestService;

beforeAll(async () => {
  // Without a worker, so that a batch stays as it was accepted.
  service = await TestService.start({ environment: { ROLE: 'api' } });
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

const HEAD = 'unknown_member:max_cost (did you mean max_cost_usd?)';
const LOT = 'unknown_member:lots[0].webhook_url (did you mean webhook?)';
const PHOTO = 'unknown_member:lots[0].images[0].size';

/** A request with an unknown member at each of the three places. */
function mistyped(change: Record<string, unknown> = {}): Record<string, unknown> {
  const images = [{ url: service.urls.car, size: 1 }];
  return service.request({ max_cost: 1, ...change }, { images, webhook_url: 'https://client.test-host.com/hook' });
}

async function twice(body: Record<string, unknown>, by = service): Promise<[first: Answer, second: Answer]> {
  const headers = { 'Idempotency-Key': randomUUID() };
  const first = await by.generate(body, { headers });
  const second = await by.generate(body, { headers });
  expect(second.headers.get('idempotent-replayed')).toBe('true');
  return [first, second];
}

describe('members that nobody knows', () => {
  it('members that nobody knows are named in a 200, and in that of its repeat', async () => {
    const [first, second] = await twice(mistyped({ languages: ['en', 'de', 'fr', 'es', 'it', 'pl', 'uk'] }));
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(first.body['warnings']).toEqual(['processing 6 languages may increase response time', HEAD, LOT, PHOTO]);
    expect(second.body).toEqual(first.body);
  });

  it('members that nobody knows are named in a 201, and in that of its repeat', async () => {
    const [first, second] = await twice(mistyped({ mode: 'batch' }));
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body['warnings']).toEqual([HEAD, LOT, PHOTO]);
    expect(second.body).toEqual(first.body);
  });

  it('members that nobody knows are named in a 202, and in that of its repeat', async () => {
    await service.faults({ action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses' });
    const hasty = await TestService.start({
      beside: service,
      environment: { ROLE: 'api', SYNC_TIMEOUT: '1', SHUTDOWN_GRACE: '0' },
    });
    try {
      const [first, second] = await twice(mistyped(), hasty);
      expect([first.status, second.status]).toEqual([202, 202]);
      expect(first.body['warnings']).toEqual([HEAD, LOT, PHOTO]);
      expect(second.body['warnings']).toEqual([HEAD, LOT, PHOTO]);
    } finally {
      await hasty.stop();
    }
  });

  it('members that nobody knows are named in lots that come a line each', async () => {
    const { lots, ...head } = service.request({ mode: 'batch', max_cost: 1 });
    const more = { lot_id: 'b', images: [], Webhook: 'x' };
    const lines = [head, ...(lots as object[]), more].map((line) => JSON.stringify(line)).join('\n');
    const answer = await service.generate(lines, { headers: { 'Content-Type': 'application/x-ndjson' } });
    expect([answer.status, answer.body['warnings']]).toEqual([
      201,
      [HEAD, 'unknown_member:lots[1].Webhook (did you mean webhook?)'],
    ]);
  });

  it('members that nobody knows are counted right among lots that are read without being parsed', async () => {
    const plain = (id: string) => ({ lot_id: id, images: [{ url: 'https://cdn.test-host.com/1.jpg' }] });
    const lots = [plain('a'), plain('b'), plain('c'), { ...plain('d'), lotId: 'e' }, plain('f')];
    const answer = await service.generate(service.request({ lots }));
    expect([answer.status, answer.body['warnings']]).toEqual([
      201,
      ['unknown_member:lots[3].lotId (did you mean lot_id?)'],
    ]);
  });

  it('members that nobody knows bring nothing into the database that it does not take', async () => {
    const answer = await service.generate(service.request({ mode: 'batch', 'a\0\ud800': 1 }));
    expect([answer.status, answer.body['warnings']]).toEqual([201, ['unknown_member:a\ufffd\ufffd']]);
  });

  it('members that nobody knows are no more than 20 in an answer, and none where all are known', async () => {
    const lots = Array.from({ length: 30 }, (_, index) => ({ lot_id: `lot-${index}`, images: [], photos: [] }));
    const many = await service.generate(service.request({ lots }));
    expect((many.body['warnings'] as string[]).slice(18)).toEqual([
      'unknown_member:lots[18].photos',
      'unknown_member:lots[19].photos',
    ]);
    const none = await service.generate(service.request({ mode: 'batch' }, { additional_info: null, webhook: '' }));
    expect(none.body['warnings']).toEqual([]);
  });
});

describe('a query that the route does not read', () => {
  it.each([200, 201, 400])('a query that the route does not read is named in a %i', async (status) => {
    const change = { 200: {}, 201: { mode: 'batch' }, 400: { version: '2' } }[status];
    const body = JSON.stringify(service.request(change ?? {}));
    const headers = { 'Content-Type': 'application/json' };
    const path = '/api/v1/generate-descriptions';
    const answer = await service.send(`${path}?mode=batch&x%5B%5D=1`, { method: 'POST', headers }, body);
    expect([answer.status, answer.headers.get('x-ignored-parameters')]).toEqual([status, 'mode, x[]']);
    const plain = await service.send(path, { method: 'POST', headers }, body);
    expect([plain.status, plain.headers.get('x-ignored-parameters')]).toEqual([status, null]);
  });
});
