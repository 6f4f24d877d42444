// What is sent without a key. Each attack: the bytes of one connection, and what it does after them.
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const PATH = '/api/v1/generate-descriptions';
const HEAD = '{"version":"1.0.0","languages":["en"],"lots":[';
const MIB = 1024 * 1024;

function post(headers, body = '') {
  const lines = [`POST ${PATH} HTTP/1.1`, 'Host: doors', 'Content-Type: application/json', ...headers];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

/** A request that announces 100 more bytes than its body has, so that its end never comes. */
function held(coding, body) {
  const encoding = coding === '' ? [] : [`Content-Encoding: ${coding}`];
  return post([...encoding, `Content-Length: ${body.length + 100}`], body);
}

function whole(coding, body, ...headers) {
  const encoding = coding === '' ? [] : [`Content-Encoding: ${coding}`];
  return post([...encoding, ...headers, `Content-Length: ${body.length}`], body);
}

function brotli(body, window = 22) {
  const params = { [constants.BROTLI_PARAM_LGWIN]: window, [constants.BROTLI_PARAM_QUALITY]: 5 };
  return brotliCompressSync(body, { params });
}

/** Lots that consist of floats that Python prints in another way. */
function floats(bytes) {
  const lot = `{"lot_id":"1","x":[${'1.5e-7,2.25,1e16,0.1,3.7e300,'.repeat(8000)}1e5],"images":[]}`;
  return Buffer.from(`${HEAD}${Array.from({ length: Math.ceil(bytes / lot.length) }, () => lot).join(',')}]}`);
}

function tinyLots(count) {
  const lots = Array.from({ length: count }, (_, at) => `{"lot_id":"${String(at).padStart(8, 'x')}","images":[]}`);
  return Buffer.from(HEAD + lots.join(','));
}

/** The bytes are made when they are needed, because some are large. */
export const ATTACKS = {
  'brotli left open, 81 bytes': {
    count: 60,
    bytes: () => held('br', brotli(Buffer.alloc(200 * MIB, ' '), 24).subarray(0, 81)),
  },
  'floats, 64 MiB of 197 bytes': { count: 20, bytes: () => whole('br', brotli(floats(64 * MIB))) },
  'tiny lots, left open': { count: 250, bytes: () => held('gzip', gzipSync(tinyLots(49_999))) },
  'long texts, left open': {
    count: 60,
    bytes: () =>
      held(
        'gzip',
        gzipSync(
          Buffer.from(HEAD + `{"lot_id":"1","additional_info":"${'i'.repeat(3900)}","images":[]},`.repeat(1200)),
        ),
      ),
  },
  'a byte, left open': { count: 500, bytes: () => held('', Buffer.from('{')) },
  'headers, a byte a second': {
    count: 500,
    bytes: () => Buffer.from(`POST ${PATH} HTTP/1.1\r\nHost: d`),
    trickle: 'x',
  },
  'bodies, a byte a second': { count: 500, bytes: () => held('', Buffer.from(HEAD)), trickle: ' ' },
  'chunks of a byte': {
    count: 250,
    bytes: () => Buffer.concat([post(['Transfer-Encoding: chunked']), Buffer.from('1\r\n \r\n'.repeat(40_000))]),
  },
  'floats as they are, wrongly signed': {
    count: 100,
    bytes: () => whole('', floats(250_000), `X-Signature: ${randomBytes(32).toString('hex')}`),
  },
  'noise in scheme 1, wrongly signed': {
    count: 200,
    bytes: () =>
      whole(
        '',
        randomBytes(200_000),
        `X-Timestamp: ${Math.floor(Date.now() / 1000)}`,
        `X-Signature: v1=${randomBytes(32).toString('hex')}`,
      ),
  },
  'depth, escapes and long numbers': {
    count: 100,
    bytes: () => {
      const odd = [
        '['.repeat(29) + ']'.repeat(29),
        `"${'\\u0430\\"\\\\'.repeat(5000)}"`,
        '9'.repeat(4000),
        `{${Array.from({ length: 3000 }, (_, at) => `"\\ud83d\\ude0${at % 10}${(at * 7919) % 3000}":{}`).join(',')}}`,
      ];
      const lots = Array.from({ length: 8 }, (_, at) => `{"lot_id":"${at}","images":[],"x":[${odd.join(',')}]}`);
      return whole('gzip', gzipSync(Buffer.from(`${HEAD}${lots.join(',')}]}`)));
    },
  },
  'small bodies of a guarded route, left open in br': {
    count: 250,
    bytes: () => {
      const path = '/api/v1/webhooks/ping';
      const body = brotli(Buffer.alloc(200 * MIB, ' '), 24).subarray(0, 60);
      const lines = [`POST ${path} HTTP/1.1`, 'Host: d', 'Content-Type: application/json', 'Content-Encoding: br'];
      const signature = [
        `X-Timestamp: ${Math.floor(Date.now() / 1000)}`,
        `X-Signature: v1=${randomBytes(32).toString('hex')}`,
      ];
      const head = [...lines, ...signature, `Content-Length: ${body.length + 100}`].join('\r\n');
      return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
    },
  },
  'requests in a row on one connection': {
    count: 100,
    bytes: () => Buffer.from('GET /api/v1/batch-jobs HTTP/1.1\r\nHost: d\r\n\r\n'.repeat(300)),
  },
  'Expect: 100-continue and nothing more': {
    count: 250,
    bytes: () => post(['Expect: 100-continue', 'Content-Length: 1000']),
  },
};
