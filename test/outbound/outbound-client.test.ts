import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics.js';
import { AllowList } from '../../src/outbound/address-rules.js';
import { OutboundClient, type OutboundOptions, type OutboundRequest } from '../../src/outbound/outbound-client.js';
import { OutboundError } from '../../src/outbound/outbound-error.js';
import { serveHttp, serveTcp, signalled, unusedPort } from './loopback.js';
import { REBOUND_NAMES, REFUSED_URLS } from './ssrf-strings.js';
import { StubResolver } from './stub-resolver.js';

const GET: OutboundRequest = { purpose: 'photo', method: 'GET', deadlineMs: 20_000, maxBytes: 1024 };
/** For what never comes: short, because the test waits for it. */
const SOON: OutboundRequest = { ...GET, deadlineMs: 100 };

function clientFor(
  allow: readonly string[],
  resolver = new StubResolver(),
  options: OutboundOptions = {},
): OutboundClient {
  const client = new OutboundClient(AllowList.parse(allow), resolver, options);
  onTestFinished(() => client.onApplicationShutdown());
  return client;
}

async function failure(answer: Promise<unknown>): Promise<OutboundError> {
  const error: unknown = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OutboundError);
  return error as OutboundError;
}

describe('what a request sends and gets', () => {
  it('carries the default headers, its own and its body', async () => {
    const seen = signalled<Record<string, unknown>>();
    const server = await serveHttp((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.resolve({
          ...request.headers,
          method: request.method,
          url: request.url,
          body: Buffer.concat(chunks).toString(),
        });
        response.writeHead(201, { 'X-One': 'a', 'set-cookie': ['x', 'y'] }).end('made');
      });
    });
    const answer = await clientFor(['127.0.0.1']).request(`${server.origin}/hook?a=1#frag`, {
      ...GET,
      purpose: 'webhook',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'webhook-id': 'w1' },
      body: Buffer.from('{"a":1}'),
    });
    expect(await seen.promise).toMatchObject({
      'user-agent': 'Generation-Service/2.0',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'content-length': '7',
      'webhook-id': 'w1',
      host: `127.0.0.1:${server.port}`,
      method: 'POST',
      url: '/hook?a=1',
      body: '{"a":1}',
    });
    expect(answer).toMatchObject({
      status: 201,
      bodyEnd: 'complete',
      truncated: false,
      remoteAddress: '127.0.0.1',
      viaAllowList: true,
    });
    expect(answer.headers).toMatchObject({ 'x-one': 'a', 'set-cookie': 'x, y' });
    expect(answer.body.toString()).toBe('made');
  });

  it('keeps the connection after a HEAD', async () => {
    const server = await serveHttp((_request, response) => response.setHeader('content-length', 5).end());
    const client = clientFor(['127.0.0.1'], new StubResolver(), { connections: 1 });
    for (let i = 0; i < 3; i++) {
      expect(await client.request(server.origin, { ...GET, method: 'HEAD' })).toMatchObject({
        status: 200,
        bodyEnd: 'complete',
      });
    }
    expect(server.connections()).toBe(1);
  });

  it('passes over announcements (1xx)', async () => {
    const server = await serveTcp((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
      );
    });
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect([answer.status, answer.body.toString(), answer.headers['link']]).toEqual([200, 'ok', undefined]);
  });

  it('says so when nothing of the answer may be shown', async () => {
    const server = await serveHttp((_request, response) => response.end('inside'));
    const resolver = new StubResolver().answer('inside.internal', ['127.0.0.1']);
    const answer = await clientFor(['inside.internal'], resolver).request(
      `http://inside.internal:${server.port}/`,
      GET,
    );
    expect(answer).toMatchObject({ status: 200, viaAllowList: true, remoteAddress: '127.0.0.1' });
  });

  it('counts answers and refusals', async () => {
    const server = await serveHttp((_request, response) => response.writeHead(404).end());
    const client = clientFor(['127.0.0.1']);
    const before = await counters();
    await client.request(server.origin, GET);
    await failure(client.request('http://10.0.0.1/', GET));
    const after = await counters();
    expect(after('outbound_requests_total', { purpose: 'photo', outcome: '4xx' })).toBe(
      before('outbound_requests_total', { purpose: 'photo', outcome: '4xx' }) + 1,
    );
    expect(after('outbound_refused_total', { reason: 'address' })).toBe(
      before('outbound_refused_total', { reason: 'address' }) + 1,
    );
  });
});

type CounterValue = (name: string, labels: Readonly<Record<string, string>>) => number;

async function counters(): Promise<CounterValue> {
  const all = await metricsRegistry.getMetricsAsJSON();
  return (name, labels) => {
    const values = all.find((metric) => metric.name === name)?.values ?? [];
    const found = values.find((value) => Object.entries(labels).every(([key, wanted]) => value.labels[key] === wanted));
    return found?.value ?? 0;
  };
}

describe('what is never reached', () => {
  it.each(REFUSED_URLS)('%j (%s)', async (url) => {
    const error = await failure(clientFor([]).request(url, GET));
    expect(error).toMatchObject({ kind: 'refused', maySeen: false });
  });

  it.each(REBOUND_NAMES)('%s, which resolves to this machine', async (name) => {
    const resolver = new StubResolver().answer(name, ['127.0.0.1']);
    const error = await failure(clientFor([], resolver).request(`http://${name}/`, GET));
    expect(error).toMatchObject({ kind: 'refused', reason: 'resolved_address', maySeen: false });
  });
});

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    '%i is followed for a photo and checked like the first address',
    async (status) => {
      const server = await serveHttp((request, response) => {
        if (request.url === '/photo') response.end('photo');
        else
          response
            .writeHead(status, { location: request.url === '/good' ? '/photo' : 'http://127.0.0.2:1/' })
            .end('moved');
      });
      const client = clientFor(['127.0.0.1']);
      const answer = await client.request(`${server.origin}/good`, { ...GET, redirects: 3 });
      expect([answer.status, answer.body.toString(), answer.finalUrl]).toEqual([
        200,
        'photo',
        `${server.origin}/photo`,
      ]);
      const error = await failure(client.request(`${server.origin}/bad`, { ...GET, redirects: 3 }));
      expect(error).toMatchObject({ kind: 'refused', reason: 'address', maySeen: true });
    },
  );

  it.each([
    ['a literal', 'http://169.254.169.254/latest/meta-data/', { kind: 'refused', reason: 'address' }],
    ['a spelling of loopback', 'http://0x7f.1/', { kind: 'refused', reason: 'address' }],
    ['a name that resolves inside', 'http://inside.test/', { kind: 'refused', reason: 'resolved_address' }],
    ['a local name', 'http://localhost/', { kind: 'refused', reason: 'host' }],
    ['another scheme', 'file:///etc/passwd', { kind: 'refused', reason: 'scheme' }],
    ['another port', 'http://example.com:22/', { kind: 'refused', reason: 'port' }],
    ['credentials', 'http://a:b@example.com/', { kind: 'refused', reason: 'credentials' }],
    ['a scheme-relative host', '//10.0.0.1/x', { kind: 'refused', reason: 'address' }],
    ['nowhere', 'http://[/', { kind: 'redirect' }],
  ])('to %s: stopped', async (_case, location, expected) => {
    // The entrance is listed by name only, so that its address stays forbidden for the second hop.
    const server = await serveHttp((_request, response) => response.writeHead(302, { location }).end());
    const resolver = new StubResolver().answer('entrance.internal', ['127.0.0.1']).answer('inside.test', ['127.0.0.1']);
    const client = clientFor(['entrance.internal'], resolver);
    const error = await failure(client.request(`http://entrance.internal:${server.port}/`, { ...GET, redirects: 3 }));
    expect(error).toMatchObject({ ...expected, maySeen: true });
    expect(server.requests).toHaveLength(1);
  });

  it('back to the same server by its literal: refused, and not asked again', async () => {
    const server = await serveHttp((request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}/secret` }).end();
    });
    const client = clientFor(['entrance.internal'], new StubResolver().answer('entrance.internal', ['127.0.0.1']));
    const error = await failure(client.request(`http://entrance.internal:${server.port}/`, { ...GET, redirects: 3 }));
    expect(error).toMatchObject({ kind: 'refused', reason: 'address' });
    expect(server.requests).toEqual(['GET /']);
  });

  it('three hops arrive, a chain of six and a loop do not', async () => {
    const server = await serveHttp((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: Number.isNaN(left) ? '/loop' : `/${left - 1}` }).end();
    });
    const client = clientFor(['127.0.0.1']);
    expect((await client.request(`${server.origin}/3`, { ...GET, redirects: 3 })).body.toString()).toBe('there');
    expect(await failure(client.request(`${server.origin}/6`, { ...GET, redirects: 3 }))).toMatchObject({
      kind: 'redirect',
    });
    expect(await failure(client.request(`${server.origin}/loop`, { ...GET, redirects: 3 }))).toMatchObject({
      kind: 'redirect',
    });
    expect(server.requests).toHaveLength(12);
  });

  it('is answered as it is where none may be followed', async () => {
    const server = await serveHttp((_request, response) => response.writeHead(308, { location: '/b' }).end());
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect([answer.status, answer.headers['location']]).toEqual([308, '/b']);
    expect(server.requests).toHaveLength(1);
  });

  it('shares one deadline among all hops', async () => {
    const server = await serveHttp((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/hang' }).end();
    });
    const error = await failure(clientFor(['127.0.0.1']).request(`${server.origin}/`, { ...SOON, redirects: 3 }));
    expect(error).toMatchObject({ kind: 'timeout', maySeen: true });
    expect(server.requests).toEqual(['GET /', 'GET /hang']);
  });
});

describe('answers that do not behave', () => {
  it('leaves a gzip bomb compressed and reads no more of any body than asked for', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const server = await serveHttp((_request, response) => response.setHeader('content-encoding', 'gzip').end(bomb));
    const answer = await clientFor(['127.0.0.1']).request(server.origin, { ...GET, maxBytes: 16_384 });
    expect(answer).toMatchObject({ status: 200, bodyEnd: 'limit', truncated: true });
    expect(answer.body).toEqual(bomb.subarray(0, 16_384));
  });

  it('cuts an endless body and closes its connection', async () => {
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

  it('keeps a body of exactly the limit whole', async () => {
    const server = await serveHttp((_request, response) => response.end(Buffer.alloc(1024)));
    expect(await clientFor(['127.0.0.1']).request(server.origin, GET)).toMatchObject({
      bodyEnd: 'complete',
      truncated: false,
    });
  });

  it.each([{ deadlineMs: 100 }, { deadlineMs: 20_000, bodyDeadlineMs: 100 }])(
    'knows the status although the body drips for ever (%o)',
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

  it('gives up on headers that drip', async () => {
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
  ])('survives %s', async (_case, raw, expected) => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.end(raw)));
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect(answer).toMatchObject(expected);
    expect(answer.body.toString()).toBe('abc');
  });

  it.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n', 'invalid_response'],
    ['headers of 20 KB', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 'invalid_response'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na', 'invalid_response'],
    ['nothing', '', 'reset'],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: ', 'reset'],
  ])('fails on %s, and the request may have been seen', async (_case, raw, kind) => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.end(raw)));
    expect(await failure(clientFor(['127.0.0.1']).request(server.origin, GET))).toMatchObject({ kind, maySeen: true });
  });
});

describe('deadlines and signals', () => {
  it('ends while DNS hangs, and what was given up is not sent later', async () => {
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

  it('ends while TLS hangs', async () => {
    const server = await serveTcp(() => undefined);
    const error = await failure(clientFor(['127.0.0.1']).request(`https://127.0.0.1:${server.port}/`, SOON));
    expect(error).toMatchObject({ kind: 'timeout', maySeen: false });
  });

  it('ends while waiting behind another request, and that one is not disturbed', async () => {
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

  it('ends while nothing comes back', async () => {
    const server = await serveHttp(() => undefined);
    expect(await failure(clientFor(['127.0.0.1']).request(server.origin, SOON))).toMatchObject({
      kind: 'timeout',
      maySeen: true,
    });
  });

  it('heeds the signal before, while connecting, while waiting and while reading', async () => {
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

  it('tells a refused connection from an unknown name', async () => {
    const client = clientFor(['127.0.0.1']);
    const refused = await failure(client.request(`http://127.0.0.1:${await unusedPort()}/`, GET));
    expect(refused).toMatchObject({ kind: 'connect', maySeen: false });
    expect(await failure(client.request('http://nowhere.test/', GET))).toMatchObject({ kind: 'dns', maySeen: false });
  });

  it('keeps a mistake of the caller apart from the outcome of a request', async () => {
    const server = await serveHttp((_request, response) => response.end());
    const bad = clientFor(['127.0.0.1']).request(server.origin, { ...GET, headers: { 'x-a': 'b\r\nx-c: d' } });
    await expect(bad).rejects.toThrow(/invalid x-a header/);
    await expect(bad).rejects.not.toBeInstanceOf(OutboundError);
  });
});

describe('connections', () => {
  it('lets go of origins that nobody uses', async () => {
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
    const client = clientFor(['127.0.0.1'], new StubResolver(), { idleMs: 1000 });
    await Promise.all(servers.map((server) => client.request(server.origin, GET)));
    expect(client.openOrigins).toBe(20);
    await idle.promise;
    // The servers know first.
    await vi.waitFor(() => expect(client.openOrigins).toBe(0));
  });

  it('ends with the application', async () => {
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
