import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../generation/http-support.js';
import { GENERATE, sign, TestService } from '../support/service.js';
import { refused } from './refusal.js';

let service: TestService;

beforeAll(async () => {
  service = await TestService.start({ environment: { LEGACY_UNSIGNED_READS: 'false' } });
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

type Headers = Record<string, string>;
const now = () => Math.floor(Date.now() / 1000);

/** A correct request, except for what `change` does to its headers. */
function refuse(code: Parameters<typeof refused>[2], change: (headers: Headers) => Headers, path = GENERATE) {
  const body = JSON.stringify(service.request());
  const headers = change(sign(GENERATE, body, { method: 'POST' }));
  const send = () => service.sendAsIs(path, 'POST', { 'Content-Type': 'application/json', ...headers }, body);
  return refused(service, send, code);
}

const without = (headers: Headers, name: string) =>
  Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name));
const at = (seconds: number) => () => sign(GENERATE, 'another body', { method: 'POST', at: seconds });
const mac = (headers: Headers) => String(headers['X-Signature']).slice(3);

describe('a signed request', () => {
  it('a signed request is let in up to 300 s from now, with and without a key id', async () => {
    for (const offset of [-299, 299]) {
      expect((await service.generate(service.request(), { at: now() + offset })).status).toBe(200);
    }
    const body = JSON.stringify(service.request());
    const headers = without(sign(GENERATE, body, { method: 'POST' }), 'X-Key-Id');
    const answer = await service.sendAsIs(GENERATE, 'POST', { 'Content-Type': 'application/json', ...headers }, body);
    expect(answer.status).toBe(200);
  });

  it.each<[string, (headers: Headers) => Headers]>([
    ['no signature', (headers) => without(headers, 'X-Signature')],
    ['no headers at all', () => ({})],
    ['an empty signature', (headers) => ({ ...headers, 'X-Signature': '' })],
    ['no timestamp', (headers) => without(headers, 'X-Timestamp')],
    ['a timestamp in milliseconds', (headers) => ({ ...headers, 'X-Timestamp': `${headers['X-Timestamp']}000` })],
    ['a timestamp with a sign', (headers) => ({ ...headers, 'X-Timestamp': `+${headers['X-Timestamp']}` })],
    ['a date for a timestamp', (headers) => ({ ...headers, 'X-Timestamp': new Date().toUTCString() })],
  ])('a request with %s is answered 401', async (_name, change) => {
    await refuse('MISSING_SIGNATURE', change);
  });

  it.each<[string, (headers: Headers) => Headers]>([
    ['an old one', (headers) => ({ ...headers, ...at(now() - 320)() })],
    ['one from the future', (headers) => ({ ...headers, ...at(now() + 320)() })],
    ['one of another body', at(now())],
    ['one of another method', (headers) => ({ ...headers, ...sign(GENERATE, '', { method: 'PUT' }) })],
    ['one of another path', (headers) => ({ ...headers, ...sign('/api/v1/batch-jobs', '', { method: 'POST' }) })],
    ['another timestamp', (headers) => ({ ...headers, 'X-Timestamp': String(now() - 7) })],
    ['a truncated one', (headers) => ({ ...headers, 'X-Signature': `v1=${mac(headers).slice(0, 63)}` })],
    ['half of one', (headers) => ({ ...headers, 'X-Signature': `v1=${mac(headers).slice(0, 32)}` })],
    ['one too long', (headers) => ({ ...headers, 'X-Signature': `v1=${mac(headers)}00` })],
    ['nothing after v1=', (headers) => ({ ...headers, 'X-Signature': 'v1=' })],
    ['upper case', (headers) => ({ ...headers, 'X-Signature': `v1=${mac(headers).toUpperCase()}` })],
    ['upper case prefix', (headers) => ({ ...headers, 'X-Signature': `V1=${mac(headers)}` })],
    ['another prefix', (headers) => ({ ...headers, 'X-Signature': `v2=${mac(headers)}` })],
    ['two in one header', (headers) => ({ ...headers, 'X-Signature': `v1=${mac(headers)}, v1=${mac(headers)}` })],
    ['an unknown key id', (headers) => ({ ...headers, 'X-Key-Id': 'nobody' })],
    ["another client's key id", (headers) => ({ ...headers, 'X-Key-Id': 'beta' })],
    ['a key id of the prototype', (headers) => ({ ...headers, 'X-Key-Id': '__proto__' })],
    ['one of the other key', (headers) => ({ ...headers, ...sign(GENERATE, '', { method: 'POST', keyId: 'beta' }) })],
  ])('a request whose signature is %s is answered 403', async (_name, change) => {
    await refuse('INVALID_SIGNATURE', change);
  });

  it('a request signed for another path, or with a query added, is answered 403', async () => {
    await refuse('INVALID_SIGNATURE', (headers) => headers, `${GENERATE}?a=1`);
  });

  it.each(['X-Signature', 'X-Timestamp', 'X-Key-Id'])('%s twice, both right, is answered 403', async (name) => {
    const body = JSON.stringify(service.request());
    const headers = sign(GENERATE, body, { method: 'POST' });
    const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}`);
    const head = [
      `POST ${GENERATE} HTTP/1.1`,
      'Host: h',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...lines,
      `${name.toLowerCase()}: ${headers[name]}`,
    ];
    const before = await service.rowCounts();
    const answer = await sendRaw(service.port, head, body);
    expect([answer.status, answer.json['code']]).toEqual([403, 'INVALID_SIGNATURE']);
    expect(await service.rowCounts()).toEqual(before);
  });

  it('a refused signature is answered the same whatever is wrong, and shown what the service saw', async () => {
    const answers = [];
    for (const change of [
      (headers: Headers) => ({ ...headers, 'X-Signature': `v1=${'0'.repeat(64)}` }),
      (headers: Headers) => ({ ...headers, 'X-Key-Id': 'nobody' }),
      at(now() - 999),
    ]) {
      const { message, details } = await refuse('INVALID_SIGNATURE', change);
      const { seen } = details as { seen: Record<string, unknown> };
      expect(seen['server_time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const { method, target, body_sha256 } = seen;
      answers.push({ message, method, target, hashed: body_sha256 !== null });
    }
    // An old timestamp shows in the headers alone. Neither refusal tells which key ids exist.
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual({ ...answers[0], hashed: false });
    expect(answers[0]).toMatchObject({ method: 'POST', target: GENERATE, hashed: true });
  });

  it('a signed request belongs to its client: another key id finds no job', async () => {
    const { body } = await service.generate(service.request());
    const path = `/api/v1/batch-status/${String(body['job_id'])}`;
    expect((await service.send(path)).status).toBe(200);
    const other = await service.send(path, { keyId: 'beta' });
    expect([other.status, other.body['code']]).toEqual([404, 'JOB_NOT_FOUND']);
  });
});
