import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BodyAbortedError, MAX_CHUNK_BYTES } from '../../src/common/request-body.js';
import { createSplitter, openBodyStream } from '../../src/generation/intake/body-stream.js';
import { openRaw, post, sendRaw, serve } from './http-support.js';

const MAX_BYTES = 1_000_000;
const JSON_TYPE = 'Content-Type: application/json';
const BODY = Buffer.from(`{"lots":[${'{"lot_id":"лот"},'.repeat(20_000)}1],"version":"1.0.0"}`);

let server: Server & { port: number };
/** What the last request's reader saw. */
let seen: { outcome: Promise<unknown>; inflated: () => number };

/** As the intake reads a body: chunk by chunk into a splitter. */
async function takeIn(request: IncomingMessage): Promise<unknown> {
  const { format, body } = openBodyStream(request, MAX_BYTES);
  let lots = 0;
  let version: unknown;
  const splitter = createSplitter(format, {
    onHead: ({ members }) => (version = members.version),
    onLot: () => lots++,
  });
  let largest = 0;
  let bytes = 0;
  seen = { ...seen, inflated: () => bytes };
  const hash = createHash('sha256');
  const sent: Buffer[] = [];
  await body.receive((chunk) => void sent.push(chunk));
  for await (const chunk of body.decode(pieces(sent), Buffer.concat(sent).length)) {
    bytes += chunk.length;
    largest = Math.max(largest, chunk.length);
    hash.update(chunk);
    splitter.write(chunk);
  }
  splitter.end();
  return { format, lots, version, largest, bytes, sha256: hash.digest('hex') };
}

async function* pieces(sent: Buffer[]): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield* sent;
}

beforeAll(async () => {
  server = await serve((request) => {
    seen = { outcome: Promise.resolve(), inflated: () => 0 };
    const outcome = takeIn(request);
    seen.outcome = outcome.catch((error: unknown) => error);
    return outcome;
  });
});
afterAll(() => server.close());

describe('reading a request body', () => {
  it.each([
    ['as it is', BODY, []],
    ['with Content-Encoding: identity', BODY, ['Content-Encoding: identity']],
    ['gzip', gzipSync(BODY), ['Content-Encoding: gzip']],
    [
      'gzip in two members',
      Buffer.concat([gzipSync(BODY.subarray(0, 9)), gzipSync(BODY.subarray(9))]),
      ['Content-Encoding: GZip'],
    ],
    ['br', brotliCompressSync(BODY), ['Content-Encoding: br']],
    ['x-gzip', gzipSync(BODY), ['Content-Encoding: X-GZip']],
    ['gzip beside identity', gzipSync(BODY), ['Content-Encoding: gzip, identity,']],
    ['identity twice', BODY, ['Content-Encoding: identity', 'Content-Encoding: identity']],
  ])('a request body is given and hashed as its decoded bytes: %s', async (_name, body, headers) => {
    const { status, json } = await sendRaw(server.port, ...post(body, JSON_TYPE, ...headers));
    expect(status).toBe(200);
    expect(json).toMatchObject({ format: 'json', lots: 20_001, version: '1.0.0', bytes: BODY.length });
    expect(json.sha256).toBe(createHash('sha256').update(BODY).digest('hex'));
    expect(json.largest).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
  });

  it('a request body is read in chunks, and as NDJSON', async () => {
    const head = [
      'POST /x HTTP/1.1',
      'Host: h',
      'Content-Type: Application/X-NDJSON; charset="UTF-8"',
      'Transfer-Encoding: chunked',
    ];
    const chunks = ['{"version":"1"}\n{', '}\n[]'].map((text) => `${text.length.toString(16)}\r\n${text}\r\n`);
    const { json } = await sendRaw(server.port, head, `${chunks.join('')}0\r\n\r\n`);
    expect(json).toMatchObject({ format: 'ndjson', lots: 2, version: '1' });
  });

  it.each([
    ['no type', []],
    ['a form', ['Content-Type: application/x-www-form-urlencoded']],
    ['text', ['Content-Type: text/json']],
    ['another charset', ['Content-Type: application/json; charset=latin1']],
    ['the type __proto__', ['Content-Type: __proto__']],
    ['deflate', [JSON_TYPE, 'Content-Encoding: deflate']],
    ['gzip twice', [JSON_TYPE, 'Content-Encoding: gzip, gzip']],
    ['gzip twice by two names', [JSON_TYPE, 'Content-Encoding: gzip, x-gzip']],
    ['br beside gzip and identity', [JSON_TYPE, 'Content-Encoding: br, identity, gzip']],
    ['two encodings in two headers', [JSON_TYPE, 'Content-Encoding: gzip', 'Content-Encoding: br']],
    ['too large as well', ['Content-Type: text/plain', 'Content-Length: 99999999999']],
  ])('a request body is answered 415: %s', async (_name, headers) => {
    const head = ['POST /x HTTP/1.1', 'Host: h', ...headers];
    expect(await sendRaw(server.port, head)).toMatchObject({ status: 415, json: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
  });

  it('a request body of an announced size that is too large is refused at once, without waiting for it', async () => {
    const head = ['POST /x HTTP/1.1', 'Host: h', JSON_TYPE, `Content-Length: ${MAX_BYTES + 1}`];
    expect(await sendRaw(server.port, head)).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE' } });
  });

  it('a request body that turns out too large is refused, and answered on the open connection', async () => {
    const text = `{"a":"${'x'.repeat(100_000)}"} ${' '.repeat(MAX_BYTES)}`;
    const head = ['POST /x HTTP/1.1', 'Host: h', JSON_TYPE, 'Transfer-Encoding: chunked'];
    const answer = await sendRaw(server.port, head, `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
    expect(answer).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE' } });
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('a request body that is a %s bomb is stopped where the limit is', async (coding, compress) => {
    const bomb = compress(Buffer.alloc(50_000_000, ' '));
    const answer = await sendRaw(server.port, ...post(bomb, JSON_TYPE, `Content-Encoding: ${coding}`));
    expect(answer).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE' } });
    expect(seen.inflated()).toBeLessThanOrEqual(MAX_BYTES + MAX_CHUNK_BYTES);
  });

  const broken = gzipSync(BODY);
  broken.fill(0xff, 100, 200);
  it.each([
    ['gzip cut short', 'gzip', gzipSync(BODY).subarray(0, -20)],
    ['broken gzip', 'gzip', broken],
    ['no gzip', 'gzip', BODY],
    ['deflate called gzip', 'gzip', deflateSync(BODY)],
    ['br cut short', 'br', brotliCompressSync(BODY).subarray(0, -5)],
    ['no br', 'br', BODY],
  ])('a request body is answered 400: %s', async (_name, coding, body) => {
    const answer = await sendRaw(server.port, ...post(body, JSON_TYPE, `Content-Encoding: ${coding}`));
    expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_JSON' } });
  });

  it.each([[[]], [['Content-Encoding: gzip']], [['Content-Encoding: br']]])(
    'a request body without bytes is taken for an empty one: %j',
    async (headers) => {
      const answer = await sendRaw(server.port, ...post('', JSON_TYPE, ...headers));
      expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_JSON' } });
      const head = ['POST /x HTTP/1.1', 'Host: h', JSON_TYPE, 'Transfer-Encoding: chunked', ...headers];
      expect(await sendRaw(server.port, head, '0\r\n\r\n')).toMatchObject({
        status: 400,
        json: { code: 'INVALID_JSON' },
      });
    },
  );

  it.each([
    ['as it is', [], BODY],
    ['gzip', ['Content-Encoding: gzip'], gzipSync(BODY)],
  ])('reading a request body ends when the client hangs up: %s', async (_name, headers, body) => {
    const head = ['POST /x HTTP/1.1', 'Host: h', JSON_TYPE, ...headers, `Content-Length: ${body.length}`];
    const arrived = once(server, 'request');
    const socket = openRaw(server.port, head, body.subarray(0, body.length / 2));
    await arrived;
    socket.destroy();
    expect(await seen.outcome).toBeInstanceOf(BodyAbortedError);
  });

  it('a request body is read no faster than its bytes are kept', async () => {
    const waiting: number[] = [];
    const slow = await serve(async (request) => {
      const { body } = openBodyStream(request, 100_000_000);
      let bytes = 0;
      await body.receive((chunk) => {
        bytes += chunk.length;
        // The client has sent far more than this; none of it may pile up here.
        waiting.push(request.readableLength);
        return new Promise((resolve) => setImmediate(resolve));
      });
      return { bytes };
    });
    const body = Buffer.alloc(8_000_000, ' ');
    const { json } = await sendRaw(slow.port, ...post(body, JSON_TYPE));
    slow.close();
    expect(json).toEqual({ bytes: body.length });
    expect(Math.max(...waiting)).toBeLessThan(1_000_000);
  });

  it('a bomb that stays below the limit is stopped: what was sent may not become 500 times as long', async () => {
    const bomb = brotliCompressSync(Buffer.alloc(MAX_BYTES - 1, ' '));
    const answer = await sendRaw(server.port, ...post(bomb, JSON_TYPE, 'Content-Encoding: br'));
    expect(answer).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE' } });
    expect(seen.inflated()).toBeLessThanOrEqual(512 * 1024 + bomb.length * 500 + MAX_CHUNK_BYTES);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('a request body may have lots in %s that all name the same photos', async (coding, compress) => {
    const photos = Array.from(
      { length: 8 },
      (_, photo) => `{"url":"https://cdn.example.com/placeholder/${photo}.jpg"}`,
    );
    const lot = (_: unknown, index: number) => `{"lot_id":"${index}","images":[${photos.join(',')}]}`;
    const body = Buffer.from(`{"lots":[${Array.from({ length: 1900 }, lot).join(',')}],"version":"1.0.0"}`);
    const answer = await sendRaw(server.port, ...post(compress(body), JSON_TYPE, `Content-Encoding: ${coding}`));
    expect(answer).toMatchObject({ status: 200, json: { lots: 1900, bytes: body.length } });
  });
});
