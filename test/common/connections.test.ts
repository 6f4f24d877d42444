import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerClientError } from '../../src/common/client-error.js';
import {
  Connections,
  connectionOf,
  markProven,
  type ConnectionOptions,
} from '../../src/common/connections/connections.js';
import { openRaw, until } from '../generation/http-support.js';

// Real: Node's HTTP server on loopback and clients that speak bytes.

const GET = ['GET / HTTP/1.1', 'Host: h'];

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  options: Partial<ConnectionOptions> = {},
): Promise<{ port: number; connections: Connections }> {
  const server = createServer(handle);
  const connections = new Connections(server, {
    max: 100,
    headersTimeoutMs: 60_000,
    ...options,
  });
  server.on('clientError', answerClientError);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections };
}

const ok = (_request: IncomingMessage, response: ServerResponse) => void response.end('ok');

/** The client's next bytes. */
async function next(socket: Socket): Promise<string> {
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString('latin1');
}

/** Everything until the server closes. */
async function all(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

describe('connections', () => {
  it('connections beyond the most that there may be close the one that has been idle longest', async () => {
    const { port, connections } = await serve(ok, { max: 3 });
    const sockets: Socket[] = [];
    for (let count = 0; count < 3; count++) {
      const socket = openRaw(port, GET);
      sockets.push(socket);
      expect(await next(socket)).toContain('200 OK');
    }
    // The first one has something to say again: the second is now the idlest.
    sockets[0]?.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await next(sockets[0] as Socket);
    const closed = once(sockets[1] as Socket, 'close');
    const another = openRaw(port, GET);
    expect(await next(another)).toContain('200 OK');
    await closed;
    expect(connections.size).toBe(3);
    expect([sockets[0]?.destroyed, sockets[2]?.destroyed]).toEqual([false, false]);
  });

  it('connections that sent a right signature, or are being answered, are not closed for others', async () => {
    const held: ServerResponse[] = [];
    const { port } = await serve(
      (request, response) => {
        if (request.url === '/held') {
          held.push(response);
          return;
        }
        if (request.url === '/proven') markProven(request);
        response.end('ok');
      },
      { max: 3 },
    );
    const proven = openRaw(port, ['GET /proven HTTP/1.1', 'Host: h']);
    await next(proven);
    const waiting = openRaw(port, ['GET /held HTTP/1.1', 'Host: h']);
    await until(() => held.length === 1);
    const idle = openRaw(port, GET);
    await next(idle);
    const closed = once(idle, 'close');
    const another = openRaw(port, ['GET /proven HTTP/1.1', 'Host: h']);
    await next(another);
    await closed;
    // Now there is none that may be closed but the newcomer.
    await once(openRaw(port, GET), 'close');
    held[0]?.end('at last');
    expect(await next(waiting)).toContain('at last');
    expect([proven.destroyed, another.destroyed]).toEqual([false, false]);
  });

  it('connections that say nothing are closed', async () => {
    const { port, connections } = await serve(ok, { headersTimeoutMs: 1 });
    const silent = openRaw(port, GET);
    await next(silent);
    const dumb = connect(port, '127.0.0.1');
    await once(dumb, 'close');
    // One that has asked something is Node's to time.
    await until(() => connections.size === 1);
    expect(silent.destroyed).toBe(false);
  });

  it('connections are refused by their first headers without a request, and may read why while they send on', async () => {
    let requests = 0;
    const { port, connections } = await serve(() => requests++);
    connections.refuseBy((head, address) => {
      expect(address).toContain('127.0.0.1');
      return head.startsWith('POST ') ? 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n' : null;
    });
    const socket = openRaw(port, ['POST /x HTTP/1.1', 'Host: h', 'Content-Length: 5000000'], Buffer.alloc(5_000_000));
    expect(await all(socket)).toBe('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
    expect(requests).toBe(0);
  });

  it('connections hand on a request that comes in pieces, or behind another, as it is', async () => {
    const seen: string[] = [];
    const { port } = await serve((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${body}`);
        response.end('ok');
      });
    });
    const socket = openRaw(port, []);
    for (const byte of 'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(
      `${'GET /b HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(200)}POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    socket.write(`${'1\r\nx\r\n'.repeat(20_000)}0\r\n\r\nGET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    await all(socket);
    expect(seen).toEqual([
      'POST /a abc',
      ...Array.from({ length: 200 }, () => 'GET /b '),
      `POST /c ${'x'.repeat(20_000)}`,
      'GET /d ',
    ]);
  });

  it('connections wait with a body until somebody reads it, and drop it when it is refused', async () => {
    const waiting: number[] = [];
    const { port, connections } = await serve((request, response) => {
      setImmediate(() => {
        waiting.push(connections['waitingBytes'], request.readableLength);
        connectionOf(request)?.discard(() => undefined);
        waiting.push(connections['waitingBytes']);
        response.writeHead(503, { Connection: 'close', 'Content-Length': 0 }).end();
      });
    });
    const head = ['POST /x HTTP/1.1', 'Host: h', 'Content-Length: 60000'];
    const socket = openRaw(port, []);
    socket.write(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.alloc(30_000)]));
    expect(await all(socket)).toContain('503');
    expect(waiting[0]).toBeGreaterThan(0);
    expect(waiting.slice(1)).toEqual([0, 0]);
  });

  it('connections are answered while one of them sends a body in chunks of a byte', async () => {
    let chunks = 0;
    const answeredAt: number[] = [];
    const { port } = await serve((request, response) => {
      if (request.method === 'GET') {
        answeredAt.push(chunks);
        response.end('ok');
        return;
      }
      request.on('data', () => chunks++);
      request.on('end', () => response.end('ok'));
    });
    const total = 150_000;
    const slow = openRaw(port, ['POST /x HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked']);
    const answered = next(slow);
    slow.write('1\r\nx\r\n'.repeat(total));
    await until(() => chunks > 0);
    await next(openRaw(port, GET));
    slow.write('0\r\n\r\n');
    await answered;
    expect(chunks).toBe(total);
    expect(answeredAt[0]).toBeLessThan(total);
  });
});
