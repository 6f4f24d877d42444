import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AllowList } from '../../src/outbound/address-rules.js';
import { guardedConnector } from '../../src/outbound/guarded-connector.js';
import { createAgent } from '../../src/outbound/observed-client.js';
import { OutboundError } from '../../src/outbound/outbound-error.js';
import { clientFor, failure, GET, SOON } from './client.js';
import { serveHttp, serveTcp, signalled, unusedPort } from './loopback.js';
import { StubResolver } from './stub-resolver.js';

describe('answers that do not behave', () => {
  it('a gzip bomb stays compressed and no more of any body is read than was asked for', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const server = await serveHttp((_request, response) => response.setHeader('content-encoding', 'gzip').end(bomb));
    const answer = await clientFor(['127.0.0.1']).request(server.origin, { ...GET, maxBytes: 16_384 });
    expect(answer).toMatchObject({ status: 200, bodyEnd: 'limit' });
    expect(answer.body).toEqual(bomb.subarray(0, 16_384));
  });

  it('an endless body is cut and its connection closed', async () => {
    const closed = signalled();
    const server = await serveHttp((_request, response) => {
      const pour = (): void => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', pour).on('close', () => closed.resolve());
      pour();
    });
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect([answer.status, answer.bodyEnd, answer.body.length]).toEqual([200, 'limit', 1024]);
    await closed.promise;
  });

  it('a body of exactly the limit is kept whole', async () => {
    const server = await serveHttp((_request, response) => response.end(Buffer.alloc(1024)));
    expect(await clientFor(['127.0.0.1']).request(server.origin, GET)).toMatchObject({
      bodyEnd: 'complete',
    });
  });

  it.each([{ deadlineMs: 300 }, { deadlineMs: 20_000, bodyDeadlineMs: 300 }])(
    'the status is known although the body drips for ever (%o)',
    async (limits) => {
      const closed = signalled();
      const server = await serveHttp((_request, response) => {
        const drip = setInterval(() => response.write('.'), 5);
        response.on('close', () => {
          clearInterval(drip);
          closed.resolve();
        });
      });
      const answer = await clientFor(['127.0.0.1']).request(server.origin, { ...GET, ...limits });
      expect(answer).toMatchObject({ status: 200, bodyEnd: 'deadline' });
      await closed.promise;
    },
  );

  it('a request gives up on headers that drip', async () => {
    const closed = signalled();
    const server = await serveTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => socket.write('x-a: b\r\n'), 5);
      socket.on('close', () => {
        clearInterval(drip);
        closed.resolve();
      });
    });
    const error = await failure(clientFor(['127.0.0.1']).request(server.origin, SOON));
    expect(error).toMatchObject({ kind: 'timeout', maySeen: true });
    await closed.promise;
  });

  it.each([
    [
      'more promised than sent',
      'HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nabc',
      { status: 200, bodyEnd: 'reset' },
    ],
    [
      'less promised than sent',
      'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef',
      { status: 200, bodyEnd: 'complete' },
    ],
    [
      'a broken chunk',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nZZ',
      { status: 200, bodyEnd: 'reset' },
    ],
  ])('a request survives %s', async (_case, raw, expected) => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.end(raw)));
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect(answer).toMatchObject(expected);
    expect(answer.body.toString()).toBe('abc');
  });

  it.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n', 'invalid_response'],
    ['headers of 80 KB', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(80_000)}\r\n\r\n`, 'invalid_response'],
    ['a protocol that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n', 'invalid_response'],
    ['an answer of HTTP/2', 'PRI * HTTP/2.0\r\n\r\n', 'invalid_response'],
    ['nothing', '', 'reset'],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: ', 'reset'],
  ])('a request fails on %s, and may have been seen', async (_case, raw, kind) => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.end(raw)));
    expect(await failure(clientFor(['127.0.0.1']).request(server.origin, GET))).toMatchObject({ kind, maySeen: true });
  });
});

describe('deadlines and signals', () => {
  it('a request ends while DNS hangs, and what was given up is not sent later', async () => {
    const server = await serveHttp((_request, response) => response.end());
    const late = signalled<readonly string[]>();
    const resolver = new StubResolver().answer('slow.internal', late.promise);
    const client = clientFor(['slow.internal'], resolver);
    const url = `http://slow.internal:${server.port}`;
    expect(await failure(client.request(`${url}/given-up`, SOON))).toMatchObject({ kind: 'timeout', maySeen: false });
    late.resolve(['127.0.0.1']);
    await client.request(`${url}/second`, GET);
    expect(server.requests).toEqual(['GET /second']);
  });

  it('a request ends while TLS hangs', async () => {
    const server = await serveTcp(() => undefined);
    const error = await failure(clientFor(['127.0.0.1']).request(`https://127.0.0.1:${server.port}/`, SOON));
    expect(error).toMatchObject({ kind: 'timeout', maySeen: false });
  });

  it('a request ends while waiting behind another one, which is not disturbed', async () => {
    const first = signalled();
    const release = signalled();
    const server = await serveHttp((request, response) => {
      if (request.url === '/queued') return;
      first.resolve();
      void release.promise.then(() => response.end('first'));
    });
    const client = clientFor(['127.0.0.1'], new StubResolver(), { connections: 1 });
    const hanging = client.request(`${server.origin}/first`, GET);
    await first.promise;
    expect(await failure(client.request(`${server.origin}/queued`, SOON))).toMatchObject({
      kind: 'timeout',
      maySeen: false,
    });
    release.resolve();
    expect((await hanging).body.toString()).toBe('first');
    await client.request(`${server.origin}/third`, GET);
    expect(server.requests).toEqual(['GET /first', 'GET /third']);
  });

  it('a request ends while nothing comes back', async () => {
    const server = await serveHttp(() => undefined);
    expect(await failure(clientFor(['127.0.0.1']).request(server.origin, SOON))).toMatchObject({
      kind: 'timeout',
      maySeen: true,
    });
  });

  it('a request heeds the signal before, while connecting, while waiting and while reading', async () => {
    const arrived = [signalled(), signalled()];
    const server = await serveHttp((request, response) => {
      if (request.url === '/wait') arrived[0]?.resolve();
      else response.write('beginning', () => arrived[1]?.resolve());
    });
    const stuck = new StubResolver().answer('stuck.internal', signalled<readonly string[]>().promise);
    const client = clientFor(['127.0.0.1', 'stuck.internal'], stuck);
    const before = failure(client.request(server.origin, { ...GET, signal: AbortSignal.abort() }));
    expect(await before).toMatchObject({ kind: 'aborted', maySeen: false });

    const connecting = new AbortController();
    const outcome = failure(client.request('http://stuck.internal/', { ...GET, signal: connecting.signal }));
    connecting.abort(new Error('hung up'));
    expect(await outcome).toMatchObject({ kind: 'aborted', maySeen: false, cause: { message: 'hung up' } });

    for (const [index, path] of ['/wait', '/read'].entries()) {
      const stop = new AbortController();
      const stopped = failure(client.request(`${server.origin}${path}`, { ...GET, signal: stop.signal }));
      await arrived[index]?.promise;
      stop.abort();
      expect(await stopped).toMatchObject({ kind: 'aborted', maySeen: true });
    }
  });

  it('a refused connection is told from an unknown name', async () => {
    const client = clientFor(['127.0.0.1']);
    const refused = await failure(client.request(`http://127.0.0.1:${await unusedPort()}/`, GET));
    expect(refused).toMatchObject({ kind: 'connect', maySeen: false });
    expect(await failure(client.request('http://nowhere.test/', GET))).toMatchObject({ kind: 'dns', maySeen: false });
  });

  it('a mistake of the caller is kept apart from the outcome of a request', async () => {
    const server = await serveHttp((_request, response) => response.end());
    const bad = clientFor(['127.0.0.1']).request(server.origin, { ...GET, headers: { 'x-a': 'b\r\nx-c: d' } });
    await expect(bad).rejects.toThrow(/invalid x-a header/);
    await expect(bad).rejects.not.toBeInstanceOf(OutboundError);
  });
});

describe('connections', () => {
  it('connections to origins that nobody uses are let go', async () => {
    const open = new Set<unknown>();
    const idle = signalled();
    const servers = await Promise.all(
      Array.from({ length: 20 }, () =>
        serveHttp((request, response) => {
          open.add(request.socket);
          request.socket.once('close', () => {
            open.delete(request.socket);
            if (open.size === 0) idle.resolve();
          });
          response.end();
        }),
      ),
    );
    const connect = guardedConnector({ allow: AllowList.parse(['127.0.0.1']), resolver: new StubResolver() });
    const agent = createAgent({ connect, connections: 4, idleMs: 1000 });
    onTestFinished(() => agent.destroy());
    const ask = async (origin: string) => (await agent.request({ origin, path: '/', method: 'GET' })).body.dump();
    await Promise.all(servers.map((server) => ask(server.origin)));
    expect(Object.keys(agent.stats)).toHaveLength(20);
    await idle.promise;
    // The servers know first.
    await vi.waitFor(() => expect(Object.keys(agent.stats)).toEqual([]));
  });

  it('connections end with the application', async () => {
    const arrived = signalled();
    const server = await serveHttp(() => arrived.resolve());
    const client = clientFor(['127.0.0.1']);
    const pending = failure(client.request(server.origin, GET));
    await arrived.promise;
    await client.onApplicationShutdown();
    expect(await pending).toMatchObject({ kind: 'aborted', maySeen: true });
    expect(await failure(client.request(server.origin, GET))).toMatchObject({ kind: 'aborted', maySeen: false });
  });
});
