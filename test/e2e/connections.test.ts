import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRaw } from '../generation/http-support.js';
import { GENERATE, sign, TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ environment: { ROLE: 'api' } });
}, 60_000);
afterAll(() => service.stop());

async function all(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

/** Runs `work` while clients have a millisecond: Node takes the longer of the two for the whole request. */
async function hurried<T>(work: () => Promise<T>): Promise<T> {
  const server = service.app.getHttpServer();
  const { headersTimeout, requestTimeout } = server;
  Object.assign(server, { headersTimeout: 1, requestTimeout: 1 });
  try {
    return await work();
  } finally {
    Object.assign(server, { headersTimeout, requestTimeout });
  }
}

describe('a connection', () => {
  it('a connection has 20 s for the headers of a request', async () => {
    expect(service.app.getHttpServer().headersTimeout).toBe(20_000);
    const half = openRaw(service.port, []);
    half.write('GET /health HTTP/1.1\r\nHost: h\r\n');
    expect(await hurried(() => all(half))).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('a connection has 600 s for a whole request', async () => {
    expect(service.app.getHttpServer().requestTimeout).toBe(600_000);
    const head = [
      `POST ${GENERATE} HTTP/1.1`,
      'Host: h',
      'Content-Type: application/json',
      'Content-Length: 100',
      ...Object.entries(sign(GENERATE, 'never sent', { method: 'POST' })).map(([name, value]) => `${name}: ${value}`),
    ];
    const answer = await hurried(() => all(openRaw(service.port, head, '{')));
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('a connection may be idle for longer than the usual proxies keep it', async () => {
    const { headers } = await service.sendAsIs('/health', 'GET', {});
    expect(headers.get('keep-alive')).toBe('timeout=620');
  });
});
