import { describe, expect, it } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { clientFor, failure, GET, SOON } from './client.js';
import { serveHttp, serveTcp, signalled } from './loopback.js';
import { REBOUND_NAMES, REFUSED_URLS } from './ssrf-strings.js';
import { StubResolver } from './stub-resolver.js';

describe('what a request sends and gets', () => {
  it('a request carries the default headers, its own and its body', async () => {
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
      remoteAddress: '127.0.0.1',
      viaAllowList: true,
    });
    expect(answer.headers).toMatchObject({ 'x-one': 'a', 'set-cookie': 'x, y' });
    expect(answer.body.toString()).toBe('made');
  });

  it('a request for photos calls itself what the settings say, and no other does', async () => {
    const agents: unknown[] = [];
    const server = await serveHttp((request, response) => {
      agents.push(request.headers['user-agent']);
      response.end();
    });
    const client = clientFor(['127.0.0.1'], undefined, { photoUserAgent: 'Mozilla/5.0 (X11)' });
    await client.request(server.origin, GET);
    await client.request(server.origin, { ...GET, purpose: 'webhook' });
    expect(agents).toEqual(['Mozilla/5.0 (X11)', 'Generation-Service/2.0']);
  });

  it('a request keeps the connection after a HEAD', async () => {
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

  it('a request passes over announcements (1xx)', async () => {
    const server = await serveTcp((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
      );
    });
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect([answer.status, answer.body.toString(), answer.headers['link']]).toEqual([200, 'ok', undefined]);
  });

  it('an answer of which nothing may be shown says so', async () => {
    const server = await serveHttp((_request, response) => response.end('inside'));
    const resolver = new StubResolver().answer('inside.internal', ['127.0.0.1']);
    const answer = await clientFor(['inside.internal'], resolver).request(
      `http://inside.internal:${server.port}/`,
      GET,
    );
    expect(answer).toMatchObject({ status: 200, viaAllowList: true, remoteAddress: '127.0.0.1' });
  });

  it('a failure says so too when a name that leads into a listed network does not answer', async () => {
    const resolver = new StubResolver().answer('photos.test', ['127.0.0.1']).answer('unknown.test');
    const client = clientFor(['127.0.0.0/8'], resolver);
    expect(await failure(client.request('http://photos.test/', GET))).toMatchObject({ viaAllowList: true });
    const unknown = await failure(client.request('http://unknown.test/', GET));
    expect(unknown).toMatchObject({ kind: 'dns', unknownName: true, viaAllowList: false });
  });

  it('answers and refusals are counted', async () => {
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
  it.each(REFUSED_URLS)('the client never reaches %j (%s)', async (url) => {
    const error = await failure(clientFor([]).request(url, GET));
    expect(error).toMatchObject({ kind: 'refused', maySeen: false });
  });

  it.each(REBOUND_NAMES)('the client never reaches %s, which resolves to this machine', async (name) => {
    const resolver = new StubResolver().answer(name, ['127.0.0.1']);
    const error = await failure(clientFor([], resolver).request(`http://${name}/`, GET));
    expect(error).toMatchObject({ kind: 'refused', reason: 'resolved_address', maySeen: false });
  });
});

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    'a redirect %i is followed for a photo and checked like the first address',
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
      expect([answer.status, answer.body.toString()]).toEqual([200, 'photo']);
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
  ])('a redirect to %s is stopped', async (_case, location, expected) => {
    // The entrance is listed by name only, so that its address stays forbidden for the second hop.
    const server = await serveHttp((_request, response) => response.writeHead(302, { location }).end());
    const resolver = new StubResolver().answer('entrance.internal', ['127.0.0.1']).answer('inside.test', ['127.0.0.1']);
    const client = clientFor(['entrance.internal'], resolver);
    const error = await failure(client.request(`http://entrance.internal:${server.port}/`, { ...GET, redirects: 3 }));
    expect(error).toMatchObject({ ...expected, maySeen: true });
    expect(server.requests).toHaveLength(1);
  });

  it('a redirect back to the same server by its literal is refused, and not asked again', async () => {
    const server = await serveHttp((request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}/secret` }).end();
    });
    const client = clientFor(['entrance.internal'], new StubResolver().answer('entrance.internal', ['127.0.0.1']));
    const error = await failure(client.request(`http://entrance.internal:${server.port}/`, { ...GET, redirects: 3 }));
    expect(error).toMatchObject({ kind: 'refused', reason: 'address' });
    expect(server.requests).toEqual(['GET /']);
  });

  it.each([
    ['UTF-8', Buffer.from('/фото/ältere%20Ansicht.jpg'), '/%D1%84%D0%BE%D1%82%D0%BE/%C3%A4ltere%20Ansicht.jpg'],
    ['Latin-1', Buffer.from('/\xe4ltere.jpg', 'latin1'), '/%E4ltere.jpg'],
    ['ASCII with a space', Buffer.from('/my photo.jpg'), '/my%20photo.jpg'],
  ])('a redirect in %s is read as browsers read it', async (_case, location, path) => {
    const asked: string[] = [];
    const server = await serveTcp((socket) => {
      socket.on('data', (chunk) => {
        const [, target = ''] = chunk.toString('latin1').split(' ');
        asked.push(target);
        if (target !== '/') return socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        return socket.write(
          Buffer.concat([
            Buffer.from('HTTP/1.1 302 Found\r\nlocation: '),
            location,
            Buffer.from('\r\ncontent-length: 0\r\n\r\n'),
          ]),
        );
      });
    });
    const answer = await clientFor(['127.0.0.1']).request(server.origin, { ...GET, redirects: 3 });
    expect([answer.status, asked]).toEqual([200, ['/', path]]);
  });

  it('three redirects arrive, a chain of six and a loop do not', async () => {
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

  it('a redirect is answered as it is where none may be followed', async () => {
    const server = await serveHttp((_request, response) => response.writeHead(308, { location: '/b' }).end());
    const answer = await clientFor(['127.0.0.1']).request(server.origin, GET);
    expect([answer.status, answer.headers['location']]).toEqual([308, '/b']);
    expect(server.requests).toHaveLength(1);
  });

  it('redirects share one deadline among all hops', async () => {
    const server = await serveHttp((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/hang' }).end();
    });
    const error = await failure(clientFor(['127.0.0.1']).request(`${server.origin}/`, { ...SOON, redirects: 3 }));
    expect(error).toMatchObject({ kind: 'timeout', maySeen: true });
    expect(server.requests).toEqual(['GET /', 'GET /hang']);
  });
});
