import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerClientError } from '../../src/common/client-error.js';
import {
  Connections,
  connectionOf,
  markProven,
  type ConnectionOptions,
} from '../../src/common/connections/connections.js';
import { FIRST } from '../../src/common/connections/turns.js';
import { openRaw, until } from '../generation/http-support.js';

// Real: Node's HTTP server on loopback and clients that speak bytes.

const GET = ['GET / HTTP/1.1', 'Host: h'];

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  options: Partial<ConnectionOptions> = {},
): Promise<{ port: number; connections: Connections; open: () => Promise<number> }> {
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
  const open = promisify(server.getConnections.bind(server));
  return { port: (server.address() as AddressInfo).port, connections, open };
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
    const { port, open } = await serve(ok, { max: 3 });
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
    await until(async () => (await open()) === 3);
    for (const socket of [sockets[0], sockets[2], another]) {
      socket?.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      expect(await next(socket as Socket)).toContain('200 OK');
    }
    // The one that was closed counts no more: the next newcomer costs one other, not two.
    const idlest = once(sockets[0] as Socket, 'close');
    expect(await next(openRaw(port, GET))).toContain('200 OK');
    await idlest;
    await until(async () => (await open()) === 3);
    expect([sockets[2]?.destroyed, another.destroyed]).toEqual([false, false]);
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
    // Now only the newcomer may be closed.
    await once(openRaw(port, GET), 'close');
    held[0]?.end('at last');
    expect(await next(waiting)).toContain('at last');
    expect([proven.destroyed, another.destroyed]).toEqual([false, false]);
  });

  it('connections that say nothing are closed, and others come in their place', async () => {
    const { port, open } = await serve(ok, { headersTimeoutMs: 1, max: 2 });
    const silent = openRaw(port, GET);
    await next(silent);
    const dumb = connect(port, '127.0.0.1');
    await once(dumb, 'close');
    // Once a connection has sent a request, Node itself limits its time.
    await until(async () => (await open()) === 1);
    expect(await next(openRaw(port, GET))).toContain('200 OK');
    const closed = once(silent, 'close').then(() => 'closed');
    silent.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(await Promise.race([next(silent), closed])).toContain('200 OK');
  });

  it('connections are refused by their first headers before a request exists, and may read the answer while they go on sending', async () => {
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

  it('connections pass on a request unchanged that comes in pieces, or behind another', async () => {
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

  it('connections keep a body back until it is read, and drop it when it is refused', async () => {
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

  it('connections are answered while another one sends a body that takes long to parse', async () => {
    let bytes = 0;
    const answeredAt: number[] = [];
    const { port } = await serve((request, response) => {
      if (request.method === 'GET') {
        answeredAt.push(bytes);
        response.end('ok');
        return;
      }
      request.on('data', (part: Buffer) => {
        bytes += part.length;
        for (const until = performance.now() + 1.5; performance.now() < until;);
      });
      request.on('end', () => response.end('ok'));
    });
    const total = 200_000;
    const slow = openRaw(port, ['POST /x HTTP/1.1', 'Host: h', `Content-Length: ${total}`]);
    const answered = next(slow);
    slow.write(Buffer.alloc(total));
    await until(() => bytes > 0);
    await next(openRaw(port, GET));
    await answered;
    expect(bytes).toBe(total);
    expect(answeredAt[0]).toBeLessThan(total);
  });

  it('connections join a body in chunks of one byte to a few pieces, wherever its headers are cut', async () => {
    const pieces: number[] = [];
    let body = '';
    const { port } = await serve((request, response) => {
      request.on('data', (part: Buffer) => {
        pieces.push(part.length);
        body += part.toString();
      });
      request.on('end', () => response.end('ok'));
    });
    const head = 'POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
    const text = 'abcdefghij'.repeat(2000);
    const chunks = `${Array.from(text, (letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`;
    for (const cut of [0, 1, 2, 3, 4]) {
      pieces.length = 0;
      body = '';
      const socket = openRaw(port, []);
      socket.write(head.slice(0, head.length - cut));
      await new Promise((resolve) => setTimeout(resolve, 5));
      socket.write(head.slice(head.length - cut) + chunks);
      expect(await next(socket)).toContain('200 OK');
      expect(body).toBe(text);
      expect(pieces.length).toBeLessThan(text.length / 100);
    }
  });

  it('connections refuse a chunked body that HTTP does not allow', async () => {
    const { port } = await serve((request, response) => {
      request.resume().on('end', () => response.end('ok'));
      request.on('error', () => undefined);
    });
    const socket = openRaw(port, ['POST /x HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked'], '1\r\nabc\r\n');
    expect(await all(socket)).toContain('400 Bad Request');
  });

  it('connections finish a body the way it began, even if another request of theirs proves its signature meanwhile', async () => {
    const bodies: string[] = [];
    let prove = (): void => undefined;
    const { port } = await serve((request, response) => {
      if (request.method === 'GET') {
        prove = () => {
          markProven(request);
          response.end('ok');
        };
        return;
      }
      let body = '';
      request.on('data', (part: Buffer) => {
        body += part.toString();
        if (body === 'ab') prove();
      });
      request.on('end', () => {
        bodies.push(body);
        response.end('ok');
      });
    });
    const socket = openRaw(port, GET);
    socket.write('POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab');
    await next(socket);
    socket.write('cde\r\n0\r\n\r\n');
    expect(await next(socket)).toContain('200 OK');
    expect(bodies).toEqual(['abcde']);
  });

  it('connections are read in turns from their first bytes on, except those of addresses that signed correctly before', async () => {
    const events: string[] = [];
    let isKnown = false;
    const { port, connections } = await serve((request, response) => {
      const connection = connectionOf(request);
      if (connection !== undefined) connection.isKnown = isKnown;
      events.push('request');
      request.socket.on('data', () => events.push('read'));
      request.resume().on('end', () => response.end('ok'));
    });
    connections['server'].prependListener('connection', (socket) => {
      const handle = (socket as unknown as { _handle: { readStop(): void; readStart(): void } })._handle;
      for (const name of ['readStop', 'readStart'] as const) {
        const call = handle[name].bind(handle);
        handle[name] = () => {
          events.push(name);
          return call();
        };
      }
    });
    const upload = async (): Promise<string> => {
      events.length = 0;
      const size = 4 * 1024 * 1024;
      const socket = openRaw(port, ['POST /x HTTP/1.1', 'Host: h', `Content-Length: ${size}`], Buffer.alloc(size));
      await next(socket);
      socket.destroy();
      return events.join(' ');
    };
    const inTurns = await upload();
    expect(inTurns).toMatch(/^readStop readStart readStop request /);
    expect(inTurns).not.toMatch(/read read\b/);
    isKnown = true;
    expect(await upload()).toMatch(/read read\b/);
  });

  it('connections count as overloaded while nothing was read from many that were accepted', async () => {
    const { connections } = await serve(ok);
    for (let count = 0; count <= 200; count++) connections.turns.addReader({ read: () => undefined }, FIRST);
    expect(connections.isStrained).toBe(true);
    await until(() => !connections.isStrained);
  });

  it('connections that were refused are closed although they send a byte now and then', async () => {
    const { port, connections } = await serve(ok);
    connections.refuseBy(() => 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write('POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n');
    let sent = 0;
    const timer = setInterval(() => socket.write(' ', () => sent++), 50);
    onTestFinished(() => clearInterval(timer));
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    // A client that sends much may go on for ten seconds, which would be 200 of these writes.
    expect(sent).toBeLessThan(100);
  });
});
