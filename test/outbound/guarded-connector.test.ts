import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { request, type Agent } from 'undici';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AllowList, bareHost } from '../../src/outbound/address-rules.js';
import { ConnectFailure, guardedConnector } from '../../src/outbound/guarded-connector.js';
import { createAgent } from '../../src/outbound/observed-client.js';
import { parseUrl } from '../../src/outbound/parse-url.js';
import { isPublicAddress } from '../../src/outbound/public-address.js';
import { selfSigned } from './certificate.js';
import { serveHttp, signalled, unusedPort } from './loopback.js';
import { REBOUND_NAMES, REFUSED_URLS } from './ssrf-strings.js';
import { StubResolver } from './stub-resolver.js';

/** No checkUrl comes before it here: the connector alone must refuse, also a port that checkUrl would not allow. */
function guardedAgent(allow: AllowList, resolver: StubResolver, ca?: string): Agent {
  const agent = createAgent({ connect: guardedConnector({ allow, resolver, ...(ca ? { ca } : {}) }), connections: 4 });
  onTestFinished(() => agent.destroy());
  return agent;
}

async function failure(url: string, agent: Agent): Promise<{ kind: string; reason: string | undefined }> {
  const error: unknown = await request(url, { dispatcher: agent }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectFailure);
  const { kind, reason } = error as ConnectFailure;
  return { kind, reason };
}

const REFUSED_HOSTS = [
  ...new Set(
    REFUSED_URLS.flatMap(([text]) => {
      const url = parseUrl(text);
      // Where only the scheme, the port or the spelling is wrong, the host itself may be a public one.
      const askable = url !== null && /^https?:$/.test(url.protocol) && !url.hostname.startsWith('example.com');
      return askable && !isPublicAddress(url.hostname) ? [url.hostname] : [];
    }),
  ),
  ...REBOUND_NAMES,
];

describe('the guarded connector', () => {
  it('the guarded connector reaches none of the refused hosts, whatever port is asked for', async () => {
    const listener = await serveHttp((_request, response) => response.end('secret'));
    const resolver = new StubResolver();
    for (const host of REFUSED_HOSTS)
      resolver.answer(host.replace(/\.$/, ''), ['127.0.0.1']).answer(host, ['127.0.0.1']);
    const agent = guardedAgent(AllowList.parse([]), resolver);
    expect(REFUSED_HOSTS.length).toBeGreaterThan(50);
    for (const host of REFUSED_HOSTS) {
      const { kind, reason } = await failure(`http://${host}:${listener.port}/`, agent);
      expect([host, kind]).toEqual([host, 'refused']);
      expect(['address', 'resolved_address']).toContain(reason);
    }
    expect(listener.connections()).toBe(0);
    // An allowed client does reach the same listener, so the zero above means something.
    const allowed = guardedAgent(AllowList.parse(['127.0.0.1']), resolver);
    const { body } = await request(listener.origin, { dispatcher: allowed });
    expect(await body.text()).toBe('secret');
  });

  it.each([
    ['a private answer', ['127.0.0.1']],
    ['one private among public ones', ['8.8.8.8', '127.0.0.1', '1.1.1.1']],
    ['AAAA only', ['::1']],
    ['IPv4 in IPv6', ['::ffff:127.0.0.1']],
    ['a public A and a private AAAA', ['8.8.8.8', 'fd00::1']],
    ['the metadata address', ['169.254.169.254']],
  ])('the guarded connector refuses a name with %s and dials nothing', async (_case, answer) => {
    const listener = await serveHttp((_request, response) => response.end());
    const agent = guardedAgent(AllowList.parse([]), new StubResolver().answer('evil.test', answer));
    expect(await failure(`http://evil.test:${listener.port}/`, agent)).toEqual({
      kind: 'refused',
      reason: 'resolved_address',
    });
    expect(listener.connections()).toBe(0);
  });

  it('the guarded connector asks once for each connection, so that a second answer cannot differ from the checked one', async () => {
    // 127.0.0.1 plays the public address: it is in the list. 127.0.0.2 is not.
    const listener = await serveHttp((_request, response) => response.setHeader('connection', 'close').end('public'));
    const resolver = new StubResolver().answer('rebind.test', ['127.0.0.1'], ['127.0.0.2']);
    const agent = guardedAgent(AllowList.parse(['127.0.0.1/32']), resolver);
    const url = `http://rebind.test:${listener.port}/`;
    const first = await request(url, { dispatcher: agent });
    expect(await first.body.text()).toBe('public');
    expect(resolver.asked).toHaveLength(1);
    expect(await failure(url, agent)).toEqual({ kind: 'refused', reason: 'resolved_address' });
    expect(resolver.asked).toHaveLength(2);
  });

  it('the guarded connector looks at the peer again once connected and sends nothing to a wrong one', async () => {
    const listener = await serveHttp((_request, response) => response.end());
    const allow = AllowList.parse(['127.0.0.1']);
    vi.spyOn(allow, 'hasAddress').mockReturnValueOnce(true).mockReturnValue(false);
    const agent = guardedAgent(allow, new StubResolver().answer('late.test', ['127.0.0.1']));
    const outcome = await failure(`http://late.test:${listener.port}/`, agent);
    expect(outcome).toEqual({ kind: 'refused', reason: 'connected_address' });
    expect(listener.requests).toEqual([]);
  });

  it('the guarded connector tells a name that does not exist from a port that nobody listens on', async () => {
    const agent = guardedAgent(AllowList.parse(['127.0.0.1']), new StubResolver());
    expect(await failure('http://nowhere.test/', agent)).toMatchObject({ kind: 'dns' });
    expect(await failure(`http://127.0.0.1:${await unusedPort()}/`, agent)).toMatchObject({ kind: 'connect' });
  });
});

describe('TLS through the guard', () => {
  const { cert, key } = selfSigned('photos.test', 'hook.test');

  async function serveTls(): Promise<{
    port: number;
    seen: Promise<{ servername: unknown; host: string | undefined }>;
  }> {
    const seen = signalled<{ servername: unknown; host: string | undefined }>();
    const sockets = new Set<Socket>();
    const server = createServer({ cert, key }, (incoming, response) => {
      seen.resolve({ servername: (incoming.socket as TLSSocket).servername, host: incoming.headers.host });
      response.end('ok');
    });
    server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, seen: seen.promise };
  }

  it('TLS through the guard keeps the name in SNI and Host while the checked address is dialled', async () => {
    const { port, seen } = await serveTls();
    const resolver = new StubResolver().answer('photos.test', ['127.0.0.1']);
    const agent = guardedAgent(AllowList.parse(['127.0.0.1']), resolver, cert);
    const { statusCode, body } = await request(`https://photos.test:${port}/`, { dispatcher: agent });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(await seen).toEqual({ servername: 'photos.test', host: `photos.test:${port}` });
  });

  it.each([
    ['another name', 'other.test', cert],
    ['an unknown issuer', 'photos.test', undefined],
  ])('TLS through the guard refuses a certificate for %s', async (_case, name, ca) => {
    const { port } = await serveTls();
    const agent = guardedAgent(AllowList.parse(['127.0.0.1']), new StubResolver().answer(name, ['127.0.0.1']), ca);
    expect(await failure(`https://${name}:${port}/`, agent)).toMatchObject({ kind: 'tls' });
  });
});

it('bareHost takes brackets and the trailing dot off', () => {
  expect(bareHost(new URL('http://[::1]:80/'))).toBe('::1');
  expect(bareHost(new URL('http://Example.com./'))).toBe('example.com');
});
