import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { GENERATE, hmac, lotOf, SECRETS, TestService, type Answer } from '../support/service.js';
import { expectRefusal, refused } from './refusal.js';
import { hasInterpreter } from '../support/interpreters.js';

let service: TestService;

beforeAll(async () => {
  service = await TestService.start({ environment: { AUTH_LOTS_SIGNATURE: 'acme' } });
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Everything in which other languages print JSON otherwise than Python. */
const awkward = (): JsonObject =>
  service.request(
    { languages: ['en'] },
    {
      additional_info: 'БМВ Х5 — «царапина» 🚗 \u007f \\ "quoted" \n\t/ <b> \u2028',
      z: 1,
      a: { я: 0.1, é: 1.5e-7, '🚗': 12345.678, B: 1e22, a: 1e16 },
      list: [1.25, -0.5, 1e-7, 123456789012345.6, null, true, false, [], {}],
    },
  );

interface PythonAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

async function python(order: JsonObject): Promise<PythonAnswer> {
  const child = spawn('python3', [join(import.meta.dirname, 'python_client.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ origin: service.origin, secret: SECRETS.acme, key_id: 'acme', ...order }));
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(output) as PythonAnswer;
}

describe.runIf(hasInterpreter('python3'))('a Python client written from the contract alone', () => {
  it.each(['body', 'header', 'v1'])(
    'a Python client is let in with Cyrillic, emoji and floats (%s)',
    async (scheme) => {
      const request = awkward();
      const answer = await python({ scheme, request });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        processing_mode: 'synchronous',
        lots: [{ lot_id: lotOf(request)['lot_id'] }],
      });
    },
  );

  it.each(['body', 'header', 'v1'])('a Python client gets 403 for one changed character (%s)', async (scheme) => {
    const before = await service.rowCounts();
    // Ф for Х in the text, as Python escapes it; 0.1 and 0.2 in a member that nobody reads.
    for (const tamper of [
      ['\\u0425', '\\u0424'],
      ['0.1', '0.2'],
      ['lot-', 'lot_'],
    ]) {
      const answer = await python({ scheme, request: awkward(), tamper });
      expect([answer.status, answer.body['code']]).toEqual([403, 'INVALID_SIGNATURE']);
    }
    expect(await service.rowCounts()).toEqual(before);
    expect(await service.calls()).toEqual([]);
  });

  it('a Python client gets 403 with another secret', async () => {
    const answer = await python({ scheme: 'body', request: awkward(), secret: SECRETS.beta });
    expect([answer.status, answer.body['code']]).toEqual([403, 'INVALID_SIGNATURE']);
  });
});

/** Ready canonical text: the members in order, no white space, ASCII alone. */
function canonicalLots(): string {
  const { lot_id } = lotOf(service.request());
  return `[{"images":[{"url":"${service.urls.car}"}],"lot_id":"${String(lot_id)}"}]`;
}

function bodyOf(lots: string, signature?: string): string {
  const member = signature === undefined ? '' : `"signature":${JSON.stringify(signature)},`;
  return `{${member}"version":"1.0.0","languages":["en"],"lots":${lots}}`;
}

const send = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  service.sendAsIs(GENERATE, 'POST', { ...JSON_TYPE, ...headers }, body);

describe('the lots signature', () => {
  it('the lots signature is taken in the body and in the header, bare and with sha256=, with and without a key id', async () => {
    for (const prefix of ['', 'sha256=']) {
      const [first, second, third] = [canonicalLots(), canonicalLots(), canonicalLots()];
      expect((await send(bodyOf(first, prefix + hmac(first)))).status).toBe(200);
      expect((await send(bodyOf(second), { 'X-Signature': prefix + hmac(second) })).status).toBe(200);
      expect((await send(bodyOf(third, hmac(third)), { 'X-Key-Id': 'acme' })).status).toBe(200);
    }
  });

  it('the lots signature covers the lots wherever they stand, however they are written', async () => {
    const lots = canonicalLots();
    const written = lots.replaceAll(',', ' ,\n').replace('"lot_id"', '"\\u006cot_id"');
    const body = `{"lots":${written},"languages":["en"],"version":"1.0.0","signature":"${hmac(lots)}"}`;
    expect((await send(body)).status).toBe(200);
  });

  it('the lots signature leaves the rest unsigned, which is why AUTH_LOTS_SIGNATURE can say who may use it', async () => {
    const lots = canonicalLots();
    const send2 = () => send(bodyOf(lots, hmac(lots, 'beta')));
    await refused(service, send2, 'INVALID_SIGNATURE');
    await refused(service, () => send(bodyOf(lots), { 'X-Signature': hmac(lots, 'beta') }), 'INVALID_SIGNATURE');
    // Scheme 1 goes on for the same key id.
    expect((await service.generate(bodyOf(lots), { keyId: 'beta' })).status).toBe(200);
  });

  it.each([
    ['of other lots', (lots: string) => hmac(`${lots} `)],
    ['of the raw body, as an older service took it', (lots: string) => hmac(bodyOf(lots))],
    ['in upper case', (lots: string) => hmac(lots).toUpperCase()],
    ['cut short', (lots: string) => hmac(lots).slice(0, -1)],
    ['too long', (lots: string) => `${hmac(lots)}0`],
    ['with another prefix', (lots: string) => `sha1=${hmac(lots)}`],
    ['with white space in it', (lots: string) => `${hmac(lots).slice(0, 32)} ${hmac(lots).slice(32)}`],
  ])('a lots signature %s is answered 403', async (_name, signature) => {
    const lots = canonicalLots();
    await refused(service, () => send(bodyOf(lots, signature(lots))), 'INVALID_SIGNATURE');
    await refused(service, () => send(bodyOf(lots), { 'X-Signature': signature(lots) }), 'INVALID_SIGNATURE');
  });

  it('a lots signature that is missing, empty or null is answered 401', async () => {
    const lots = canonicalLots();
    for (const body of [bodyOf(lots), bodyOf(lots, ''), bodyOf(lots).replace('{', '{"signature":null,')]) {
      await refused(service, () => send(body), 'MISSING_SIGNATURE');
    }
    await refused(service, () => send(bodyOf(lots).replace('{', '{"signature":7,')), 'INVALID_SIGNATURE');
  });

  it('the lots signature opens no NDJSON', async () => {
    const lots = canonicalLots();
    const body = `{"version":"1.0.0","languages":["en"],"signature":"${hmac(lots)}"}\n${lots.slice(1, -1)}`;
    const answer = await send(body, { 'Content-Type': 'application/x-ndjson' });
    expect([401, 403]).toContain(answer.status);
  });

  it('the lots signature is refused for all with AUTH_LOTS_SIGNATURE=false', async () => {
    const strict = await TestService.start({ beside: service, environment: { AUTH_LOTS_SIGNATURE: 'false' } });
    try {
      const lots = canonicalLots();
      const answer = await strict.sendAsIs(GENERATE, 'POST', JSON_TYPE, bodyOf(lots, hmac(lots)));
      expectRefusal(answer, 'INVALID_SIGNATURE');
      expect((await strict.generate(bodyOf(lots))).status).toBe(200);
    } finally {
      await strict.stop();
    }
  });
});
