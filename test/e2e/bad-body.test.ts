import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRaw, sendRaw } from '../generation/http-support.js';
import { GENERATE, sign, TestService, type Answer } from '../support/service.js';
import { expectRefusal, refused } from './refusal.js';

const MAX_BODY = 2 * 1024 * 1024;
let service: TestService;

beforeAll(async () => {
  service = await TestService.start({ environment: { MAX_BODY_BYTES: String(MAX_BODY) } });
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

const refuse = (body: Buffer | string, code: Parameters<typeof refused>[2], headers: Record<string, string> = {}) =>
  refused(service, () => service.generate(body, { headers }), code);

const valid = () => JSON.stringify(service.request());
/** The valid request with a member more, written as it stands here. */
const withMember = (member: string) => valid().replace('{', `{${member},`);

describe('a body that is not JSON as the contract takes it', () => {
  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['no object', '[]'],
    ['a string', '"x"'],
    ['null', 'null'],
    ['half of it', '{"version":"1.0.0","lots":[{'],
    ['more than it', '{} {}'],
    ['a comma too many', '{"version":"1.0.0",}'],
    ['single quotes', "{'version':'1.0.0'}"],
    ['a zero byte', '{"version":"1.0.0"}\0'],
  ])('a body is refused as no JSON for %s', async (_name, body) => {
    await refuse(body, 'INVALID_JSON');
  });

  it.each(['NaN', 'Infinity', '-Infinity', '01', '+1', '.5', '0x10', 'undefined'])(
    'the token %s is refused as no JSON',
    async (token) => {
      await refuse(withMember(`"x":${token}`), 'INVALID_JSON');
      await refuse(valid().replace('"lot_id"', `"x":${token},"lot_id"`), 'INVALID_JSON');
    },
  );

  it('a body is refused as no JSON for invalid UTF-8, in the head and in a lot', async () => {
    for (const text of [withMember('"x":"BAD"'), valid().replace('lot-', 'BAD')]) {
      const [before = '', after = ''] = text.split('BAD');
      for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
        await refuse(Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]), 'INVALID_JSON');
      }
    }
  });

  it('a body is refused for a depth over 32, and not for 32 itself', async () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    // The body's own object is one level, and lots[0] the third.
    await refuse(withMember(`"x":${nested(32)}`), 'INVALID_JSON');
    await refuse(valid().replace('"lot_id"', `"x":${nested(30)},"lot_id"`), 'INVALID_JSON');
    await refuse('['.repeat(1_000_000), 'INVALID_JSON');
    expect((await service.generate(withMember(`"x":${nested(31)}`))).status).toBe(200);
    expect((await service.generate(valid().replace('"lot_id"', `"x":${nested(29)},"lot_id"`))).status).toBe(200);
  });

  it('a key that stands twice is refused outside lots, also when one is escaped; inside lots the last one counts', async () => {
    await refuse(withMember('"version":"1.0.0"'), 'INVALID_JSON');
    await refuse(withMember('"v\\u0065rsion":"1.0.0"'), 'INVALID_JSON');
    await refuse(withMember('"metadata":{"a":"1","a":"2"}'), 'INVALID_JSON');
    await refuse(withMember('"lots":[]'), 'INVALID_JSON');
    const answer = await service.generate(valid().replace('"lot_id"', '"lot_id":"first","lot_id"'));
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.body)).not.toContain('first');
  });

  it('a body is refused for an integer of 4,301 digits', async () => {
    await refuse(withMember(`"x":${'9'.repeat(4301)}`), 'INVALID_JSON');
    await refuse(valid().replace('"lot_id"', `"x":${'9'.repeat(4301)},"lot_id"`), 'INVALID_JSON');
  });

  it('a byte order mark before a body is skipped', async () => {
    expect((await service.generate(`\ufeff${valid()}`)).status).toBe(200);
  });
});

describe('a body that says it is something else', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml'])(
    'a body of Content-Type: %s is refused',
    async (type) => {
      const before = await service.rowCounts();
      const answer = await service.generate(valid(), { headers: { 'Content-Type': type } });
      expectRefusal(answer, 'UNSUPPORTED_MEDIA_TYPE');
      expect(answer.headers.get('accept-post')).toBe('application/json, application/x-ndjson');
      expect(await service.rowCounts()).toEqual(before);
    },
  );

  it('a body of another charset or coding is refused', async () => {
    await refuse(valid(), 'UNSUPPORTED_MEDIA_TYPE', { 'Content-Type': 'application/json; charset=utf-16' });
    await refuse(valid(), 'UNSUPPORTED_MEDIA_TYPE', { 'Content-Encoding': 'zstd' });
    await refuse(valid(), 'UNSUPPORTED_MEDIA_TYPE', { 'Content-Encoding': 'gzip, gzip' });
  });

  it('a body that is not the gzip or br that it says, or half of it, is refused', async () => {
    await refuse(valid(), 'INVALID_JSON', { 'Content-Encoding': 'gzip' });
    await refuse(valid(), 'INVALID_JSON', { 'Content-Encoding': 'br' });
    await refuse(gzipSync(valid()).subarray(0, 60), 'INVALID_JSON', { 'Content-Encoding': 'gzip' });
  });

  it('a body in gzip or br is taken, and signed as it is decoded', async () => {
    for (const [coding, compress] of [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
    ] as const) {
      const text = valid();
      const headers = { 'Content-Type': 'application/json', 'Content-Encoding': coding };
      const signed = { ...headers, ...sign(GENERATE, text, { method: 'POST' }) };
      expect((await service.sendAsIs(GENERATE, 'POST', signed, compress(text))).status).toBe(200);
    }
  });
});

describe('a body that is too large', () => {
  it('a body that is announced as too large is refused before it is sent', async () => {
    const head = [
      `POST ${GENERATE} HTTP/1.1`,
      'Host: h',
      'Content-Type: application/json',
      `Content-Length: ${MAX_BODY + 1}`,
      ...headerLines(sign(GENERATE, '', { method: 'POST' })),
    ];
    const answer = await sendRaw(service.port, head);
    expect([answer.status, answer.json['code']]).toEqual([413, 'BODY_TOO_LARGE']);
    expect(answer.headers).toContain('connection: close');
  });

  it('a body that turns out too large, in chunks of no announced size, is refused', async () => {
    const head = [
      `POST ${GENERATE} HTTP/1.1`,
      'Host: h',
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
      ...headerLines(sign(GENERATE, '', { method: 'POST' })),
    ];
    const piece = ' '.repeat(65_536);
    const answer = await sendRaw(service.port, head, `${piece.length.toString(16)}\r\n${piece}\r\n`.repeat(40));
    expect([answer.status, answer.json['code']]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  it.each([
    ['gzip', (zeros: Buffer) => gzipSync(zeros)],
    ['br', (zeros: Buffer) => brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })],
  ])('a body that is a bomb of %s is refused', async (coding, compress) => {
    // 64 MiB from less than a hundred kilobytes: decoding must end at the limit, whatever the rest would be.
    const bomb = compress(Buffer.alloc(64 * 1024 * 1024, 0x20));
    expect(bomb.length).toBeLessThan(100 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    await refuse(bomb, 'BODY_TOO_LARGE', { 'Content-Encoding': coding });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  it('a body is refused as too large for a single lot, or for all but the lots', async () => {
    await refuse(valid().replace('"lot_id"', `"x":"${'x'.repeat(300_000)}","lot_id"`), 'BODY_TOO_LARGE');
    await refuse(withMember(`"x":"${'x'.repeat(300_000)}"`), 'BODY_TOO_LARGE');
  });
});

describe('the order of judgement', () => {
  const broken = { type: 'text/plain', coding: 'gzip', body: 'x'.repeat(MAX_BODY + 1), signed: false };

  async function judge(change: Partial<typeof broken>): Promise<Answer> {
    const { type, coding, body, signed } = { ...broken, ...change };
    const headers = { 'Content-Type': type, ...(coding === '' ? {} : { 'Content-Encoding': coding }) };
    const signature = signed ? sign(GENERATE, body, { method: 'POST' }) : { 'X-Signature': `${'0'.repeat(64)}` };
    return service.sendAsIs(GENERATE, 'POST', { ...headers, ...signature }, body);
  }

  it('a request is judged in the order 415, 413, 400 INVALID_JSON, 401, 403, then version and content', async () => {
    const before = await service.rowCounts();
    const type = 'application/json';
    expectRefusal(await judge({}), 'UNSUPPORTED_MEDIA_TYPE');
    expectRefusal(await judge({ type, coding: '' }), 'BODY_TOO_LARGE');
    expectRefusal(await judge({ type, coding: '', body: '{"version":' }), 'INVALID_JSON');
    const wrong = JSON.stringify({ version: '9', languages: 7, lots: 7 });
    expectRefusal(await service.sendAsIs(GENERATE, 'POST', { 'Content-Type': type }, '{"version":'), 'INVALID_JSON');
    expectRefusal(await service.sendAsIs(GENERATE, 'POST', { 'Content-Type': type }, wrong), 'MISSING_SIGNATURE');
    expectRefusal(await judge({ type, coding: '', body: wrong }), 'INVALID_SIGNATURE');
    expectRefusal(await judge({ type, coding: '', body: wrong, signed: true }), 'UNSUPPORTED_VERSION');
    const content = JSON.stringify({ version: '1.0.0', languages: 7, lots: 7 });
    expectRefusal(await judge({ type, coding: '', body: content, signed: true }), 'VALIDATION_FAILED');
    expect(await service.rowCounts()).toEqual(before);
  });
});

describe('a client that hangs up in the middle of its upload', () => {
  it('a client that hangs up in the middle of its upload leaves nothing behind, and the next one is served', async () => {
    const before = await service.rowCounts();
    const head = [`POST ${GENERATE} HTTP/1.1`, 'Host: h', 'Content-Type: application/json', 'Content-Length: 5000'];
    const socket = openRaw(
      service.port,
      [...head, ...headerLines(sign(GENERATE, '', { method: 'POST' }))],
      '{"lots":[',
    );
    await new Promise<void>((resolve) => service.app.getHttpServer().once('request', () => resolve()));
    socket.destroy();
    expect((await service.sendAsIs('/health', 'GET', {})).status).toBe(200);
    expect(await service.rowCounts()).toEqual(before);
  });
});

function headerLines(headers: Record<string, string>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}
