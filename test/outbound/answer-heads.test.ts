import { describe, expect, it } from 'vitest';
import { endOfHead, readHead } from '../../src/outbound/answer-head.js';
import { clientFor, failure, GET, SOON } from './client.js';
import { serveTcp, signalled } from './loopback.js';

const POST = { ...GET, method: 'POST', body: Buffer.from('[]') } as const;

/** Answers every request on a connection with the same bytes, and counts connections. */
async function serveBytes(answer: string | Buffer, close = false) {
  return serveTcp((socket) => {
    socket.on('data', () => (close ? socket.end(answer) : socket.write(answer)));
  });
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\n';

describe('answers that browsers and curl take', () => {
  it.each([
    ['100 before it', `${CONTINUE}${OK}content-length: 2\r\n\r\nok`],
    ['100 with fields and text before it', `HTTP/1.1 100 Go on\r\nserver: x\r\n\r\n${OK}content-length: 2\r\n\r\nok`],
    ['102 and two of 103 before it', `HTTP/1.1 102 Processing\r\n\r\n${HINTS}${HINTS}${OK}content-length: 2\r\n\r\nok`],
    ['199 before it', `HTTP/1.1 199 \r\n\r\n${OK}content-length: 2\r\n\r\nok`],
    ['two equal lengths', `${OK}content-length: 2\r\nContent-Length: 2\r\n\r\nok`],
    ['one length said twice in a line', `${OK}content-length: 2, 2\r\n\r\nok`],
    ['a length with a zero before it', `${OK}content-length: 02\r\ncontent-length: 2\r\n\r\nok`],
    ['a length beside chunked', `${OK}content-length: 12\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['chunked said twice', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['the coding identity', `${OK}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok`],
    ['a field name with a space', `${OK}X Cache: HIT\r\ncontent-length: 2\r\n\r\nok`],
    ['a space before the colon', `${OK}content-length : 2\r\n\r\nok`],
    ['a line without a colon', `${OK}nonsense\r\ncontent-length: 2\r\n\r\nok`],
    ['a field that goes on in the next line', `${OK}x: a\r\n b\r\ncontent-length: 2\r\n\r\nok`],
    ['a control character', `${OK}x: a\x01b\r\ncontent-length: 2\r\n\r\nok`],
    ['a NUL', `${OK}x: a\0b\r\ncontent-length: 2\r\n\r\nok`],
    ['bare LF', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok'],
    ['no reason and no space', 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok'],
    ['an empty line before it', `\r\n${OK}content-length: 2\r\n\r\nok`],
    ['another minor version', 'HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    ['20 KB of fields', `${OK}content-security-policy: ${'a'.repeat(20_000)}\r\ncontent-length: 2\r\n\r\nok`],
    ['an offer to upgrade', `${OK}upgrade: h2,h2c\r\nconnection: Upgrade, close\r\ncontent-length: 2\r\n\r\nok`],
  ])('an answer that browsers and curl take is taken: %s', async (_case, raw) => {
    const server = await serveBytes(Buffer.from(raw, 'latin1'));
    const client = clientFor(['127.0.0.1']);
    for (const request of [GET, POST]) {
      const answer = await client.request(server.origin, request);
      expect([answer.status, answer.body.toString(), answer.bodyEnd]).toEqual([200, 'ok', 'complete']);
    }
  });

  it.each([
    ['lengths that differ', `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nok`],
    ['a length that is no number', `${OK}content-length: two\r\n\r\nok`],
    ['a negative length', `${OK}content-length: -2\r\n\r\nok`],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nok'],
    ['neither length nor chunks', `${OK}\r\nok`],
  ])('an answer of %s ends its body with the connection', async (_case, raw) => {
    const server = await serveBytes(raw, true);
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect([answer.status, answer.body.toString(), answer.bodyEnd]).toEqual([200, 'ok', 'complete']);
  });

  it('an answer in pieces of a byte is taken', async () => {
    const raw = Buffer.from(`${CONTINUE}${OK}content-length: 2\r\ncontent-length: 2\r\ncontent-type: a/b\r\n\r\nok`);
    const server = await serveTcp((socket) => {
      socket.setNoDelay(true);
      socket.once('data', () => {
        let at = 0;
        const next = (): void => {
          if (at < raw.length) socket.write(raw.subarray(at, ++at), () => setImmediate(next));
        };
        next();
      });
    });
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect([answer.status, answer.body.toString(), answer.headers['content-type']]).toEqual([200, 'ok', 'a/b']);
  });

  it("an answer's status is taken, whatever becomes of the body", async () => {
    const server = await serveTcp((socket) => {
      socket.once('data', () =>
        socket.write(`${CONTINUE}${OK}content-length: 9\r\ntransfer-encoding: chunked\r\n\r\nZZ`),
      );
    });
    const answer = await clientFor(['127.0.0.1']).request(server.origin, { ...POST, bodyDeadlineMs: 50 });
    expect([answer.status, answer.bodyEnd]).toEqual([200, 'reset']);
  });

  it.each([
    ['an odd answer', `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`],
    ['an announced one', `${CONTINUE}${OK}content-length: 2\r\n\r\nok`],
  ])('%s is the last answer of its connection', async (_case, raw) => {
    const server = await serveBytes(raw);
    const client = clientFor(['127.0.0.1']);
    for (let n = 0; n < 3; n++) {
      expect((await client.request(server.origin, GET)).status).toBe(200);
      // undici frees a connection a turn later.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(server.connections()).toBe(3);
  });

  it('an answer is taken that comes before what is sent was read, and then hangs up', async () => {
    const server = await serveTcp((socket) => {
      socket.once('data', () => {
        socket.pause();
        socket.write(`${CONTINUE}${OK}content-length: 0\r\n\r\n`, () => socket.resetAndDestroy());
      });
    });
    const body = Buffer.alloc(2_000_000, 'x');
    const answer = await clientFor(['127.0.0.1']).request(server.origin, { ...POST, body, bodyDeadlineMs: 1000 });
    expect(answer.status).toBe(200);
  });

  it('what follows an odd answer is never read as the answer to the next request', async () => {
    const smuggled = 'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsmuggled';
    const raw = `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${smuggled}`;
    const server = await serveBytes(raw);
    const client = clientFor(['127.0.0.1']);
    for (let n = 0; n < 3; n++) expect((await client.request(server.origin, GET)).body.toString()).toBe('ok');
    expect(server.connections()).toBe(3);
  });

  it('announcements do not go on for ever', async () => {
    const closed = signalled();
    const server = await serveTcp((socket) => {
      socket.on('close', () => closed.resolve());
      const pour = (): void => {
        while (socket.writable && socket.write(HINTS.repeat(100)));
      };
      socket.once('data', pour);
      socket.on('drain', pour);
    });
    expect((await failure(clientFor(['127.0.0.1']).request(server.origin, GET))).kind).toBe('invalid_response');
    await closed.promise;
  });

  it('an announcement alone is no answer', async () => {
    const server = await serveBytes(CONTINUE);
    expect((await failure(clientFor(['127.0.0.1']).request(server.origin, SOON))).kind).toBe('timeout');
  });
});

describe('readHead', () => {
  it.each([
    [`${OK}content-type: image/jpeg\r\ncontent-length: 5\r\n\r\n`],
    ['HTTP/1.0 404 Not Found\r\n\r\n'],
    ['HTTP/1.1 204 \r\nx: \r\ny:\r\n\r\n'],
    [`${OK}content-disposition: inline; filename="\xc3\xa4"\r\ntransfer-encoding: chunked\r\n\r\n`],
  ])('readHead leaves %j as it is', (raw) => {
    const bytes = Buffer.from(raw, 'latin1');
    expect([endOfHead(bytes), readHead(bytes, false).kind]).toEqual([bytes.length, 'plain']);
  });

  it('readHead keeps of an odd head what is read of it, in order', () => {
    const raw = `${OK}content-length: 5\r\nContent-Length: 5\r\nContent-Type: image/jpeg\r\ncontent-type: text/html\r\nset-cookie: a=b\r\nretry-after: 7\r\n\r\n`;
    const head = readHead(Buffer.from(raw), false);
    expect(head.kind === 'odd' ? head.head.toString() : head.kind).toBe(
      'HTTP/1.1 200 \r\nconnection: close\r\ncontent-length: 5\r\ncontent-type: image/jpeg\r\nretry-after: 7\r\n\r\n',
    );
  });
});
