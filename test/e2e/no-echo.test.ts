import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { GENERATE, TestService, type Answer } from '../support/service.js';

/** Long enough that no answer has a use for all of it, short enough for a header. */
const LONG = 'echo'.repeat(1000);
/** What may come back of it. */
const MOST = 200;
const JSON_TYPE = { 'Content-Type': 'application/json' };

let service: TestService;
beforeAll(async () => (service = await TestService.start({ environment: { MAX_LOTS: '300' } })));
afterAll(() => service.stop());

const generate = (change: JsonObject, lot: JsonObject = {}) => service.generate(service.request(change, lot));
const get = (path: string, headers: Record<string, string> = {}) => service.send(path, { headers });
const lots = (count: number, lot: (n: number) => JsonObject) => Array.from({ length: count }, (_, n) => lot(n));

describe('a refusal does not send the request back', () => {
  it.each<[string, number, () => Promise<Answer>]>([
    ['a photo as data:', 422, () => generate({}, { images: [`data:image/jpeg;base64,${LONG}`] })],
    ['a photo that is no address', 422, () => generate({}, { images: [LONG] })],
    ['a photo with a scheme of its own', 422, () => generate({}, { images: [{ url: `httpx://h/${LONG}` }] })],
    ['a photo whose address is too long', 422, () => generate({}, { images: [`https://h.test/${LONG}${LONG}`] })],
    ['a webhook', 422, () => generate({ webhook_url: `ftp://h.test/${LONG}` })],
    ['a webhook of a lot', 422, () => generate({}, { webhook: LONG })],
    ['a lot_id', 400, () => generate({}, { lot_id: LONG })],
    ['a version', 400, () => generate({ version: LONG })],
    ['a language', 422, () => generate({ languages: [LONG] })],
    ['repeated languages', 400, () => generate({ languages: [LONG, LONG] })],
    ['a mode', 400, () => generate({ mode: LONG })],
    ['include and events', 400, () => generate({ include: [LONG], webhook_events: [LONG] })],
    ['the name of metadata', 400, () => generate({ metadata: { [LONG]: 'x' } })],
    ['a value of metadata', 400, () => generate({ metadata: { a: LONG } })],
    ['a limit that is no number', 400, () => generate({ max_cost_usd: LONG })],
    ['a text that is no lot', 400, () => generate({ lots: [LONG] })],
    ['a repeated member', 400, () => service.generate(`{"${LONG}":1,"${LONG}":2}`)],
    ['text that is no JSON', 400, () => service.generate(`{"a":${LONG}}`)],
    ['a media type', 415, () => service.generate('{}', { headers: { 'Content-Type': `a/${LONG}` } })],
    ['an encoding', 415, () => service.generate('{}', { headers: { 'Content-Encoding': LONG } })],
    ['an Idempotency-Key', 400, () => service.generate(service.request(), { headers: { 'Idempotency-Key': LONG } })],
    ['a key id', 403, () => service.generate(service.request(), { headers: { 'X-Key-Id': LONG } })],
    ['a target without a signature', 401, () => service.sendAsIs(`/api/v1/batch-jobs?x=${LONG}`, 'GET', {})],
    ['a target with a wrong one', 403, () => get(`/api/v1/batch-jobs?${LONG}`, { 'X-Signature': 'no' })],
    ['a path that is not there', 404, () => get(`/api/v1/${LONG}`)],
    ['a job id', 404, () => get(`/api/v1/batch-status/${LONG}`)],
    ['a job id that no decoder takes', 400, () => get(`/api/v1/batch-status/${LONG}%E4`)],
    ['a state', 400, () => get(`/api/v1/batch-jobs?status=${LONG}`)],
    ['a time', 400, () => get(`/api/v1/batch-jobs?created_after=${LONG}`)],
    ['a cursor', 400, () => get(`/api/v1/webhook-deliveries?cursor=${LONG}`)],
    [
      'a ping’s address',
      422,
      () => service.send('/api/v1/webhooks/ping', { method: 'POST', headers: JSON_TYPE }, `{"url":"${LONG}"}`),
    ],
    [
      'a lots signature',
      403,
      () => service.sendAsIs(GENERATE, 'POST', JSON_TYPE, JSON.stringify({ lots: [], signature: LONG })),
    ],
  ])('a refusal does not send back %s: %d', async (_name, status, send) => {
    const answer = await send();
    expect([status, answer.status]).toEqual([answer.status, status]);
    const shown = [JSON.stringify(answer.body), ...[...answer.headers].map(([, value]) => value)].join('\n');
    for (const run of shown.match(/(?:echo){2,}/g) ?? []) expect(run.length).toBeLessThanOrEqual(MOST);
    expect(shown.length).toBeLessThan(4 * MOST + 2000);
  });

  it('a refusal names the first hundred addresses, whole where they are http(s), and counts the rest', async () => {
    const url = (n: number) => `http://10.0.0.1/${n}/${'a'.repeat(1000)}`;
    const whole = await generate({ lots: lots(150, (n) => ({ lot_id: n, images: [url(n)] })) });
    expect(whole.body['invalid_urls']).toEqual(Array.from({ length: 100 }, (_, n) => url(n)));
    const data = await generate({ lots: lots(150, (n) => ({ lot_id: n, images: [`data:${n},${LONG}`] })) });
    expect((data.body['invalid_urls'] as string[])[0]).toBe(`data:0,${LONG}`.slice(0, MOST));
    expect(data.body['details']).toMatchObject({ count: 150 });
    expect(JSON.stringify(data.body).length).toBeLessThan(2 * 100 * (MOST + 4) + 1000);
  });
});

describe('the 422 of a receiver’s address', () => {
  const ping = (url: string) =>
    service.send('/api/v1/webhooks/ping', { method: 'POST', headers: JSON_TYPE }, JSON.stringify({ url }));

  it.each([
    ['https://hooks.example.com:8443/x', /port 80 or 443 \(no other port is allowed\)/],
    ['https://user:password@hooks.example.com/x', /without user:password/],
    ['https://user@hooks.example.com/x', /without user:password/],
    [
      'http://10.0.0.1/x',
      /^Webhooks need public http or https addresses of at most 4096 characters without control characters or backslashes\.$/,
    ],
    // Not which of the two rules it breaks as well: that an address is refused for itself comes first.
    [
      'http://10.0.0.1:8443/x',
      /^Webhooks need public http or https addresses of at most 4096 characters without control characters or backslashes\.$/,
    ],
  ])("a refused receiver's address that is %s is answered with what is wrong", async (url, message) => {
    for (const answer of [
      await generate({ webhook_url: url }),
      await generate({}, { webhook: url }),
      await ping(url),
    ]) {
      expect([answer.status, answer.body['code']]).toEqual([422, 'INVALID_WEBHOOK_URL']);
      expect(answer.body['message']).toMatch(message);
      expect(answer.body['details']).toMatchObject({ invalid_urls: [url] });
    }
  });

  it('a refusal says both where the addresses of different lots break different rules', async () => {
    const hooks = ['https://h.example.com:81/', 'https://u:p@h.example.com/', 'http://localhost/'];
    const answer = await generate({ lots: lots(3, (n) => ({ lot_id: n, images: [], webhook: hooks[n] })) });
    expect(answer.body['message']).toMatch(/no other port is allowed.*without user:password/);
  });
});
