import { createServer, type Server, type ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { portsOf, readSendQueues } from '../../src/common/send-queues.js';
import { StalledReaders } from '../../src/common/stalled-readers.js';

/** In all more than the system takes for a client that reads nothing. */
const CHUNKS = Array.from({ length: 512 }, () => Buffer.alloc(64 * 1024, 'x'));
const LOOK_MS = 5000;
/** More than a client's side takes unread, and less than both sides together. */
const SOME = Buffer.alloc(1024 * 1024, 'x');

let server: Server;
let queues: () => Promise<ReadonlyMap<string, string>>;
let answered: ServerResponse | undefined;
let served: Socket | undefined;

beforeEach(async () => {
  Logger.overrideLogger(false);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  queues = () => Promise.resolve(new Map());
  server = createServer((request, response) => {
    answered = response;
    if (request.url === '/much') pipeline(Readable.from(CHUNKS), response, () => undefined);
    else if (request.url === '/some') response.end(SOME);
    else if (request.url === '/little') response.end('little');
  });
  // Or Node itself would close what is idle.
  server.keepAliveTimeout = 0;
  server.on('connection', (socket: Socket) => (served = socket));
  new StalledReaders(server, () => queues());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Asks for a path and reads nothing until told to. */
async function ask(path: string): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  socket.on('error', () => undefined);
  const requested = once(server, 'request');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  await requested;
  return socket;
}

/** What the service keeps of an answer stops changing once the system takes no more. */
async function standsStill(response: ServerResponse): Promise<void> {
  const socket = response.socket as Socket;
  await expect.poll(() => socket.writableLength).toBeGreaterThan(0);
}

async function looks(count: number): Promise<void> {
  for (let look = 0; look < count; look++) await vi.advanceTimersByTimeAsync(LOOK_MS);
}

async function looksUntilCut(response: ServerResponse): Promise<number> {
  for (let count = 0; ; count++) {
    if (response.destroyed) return count;
    await looks(1);
  }
}

describe('a client that stops reading', () => {
  it('a client that stops reading is cut after a minute without progress', async () => {
    await ask('/much');
    const response = answered as ServerResponse;
    await standsStill(response);
    // The first check notes what was taken, and twelve more find nothing new. More are needed if the first came too
    // early.
    expect(await looksUntilCut(response)).toBeGreaterThanOrEqual(13);
    expect(response.writableEnded).toBe(false);
  });

  it('a client that stops reading is left alone as long as the system says that it takes something, however little', async () => {
    const socket = await ask('/much');
    const response = answered as ServerResponse;
    await standsStill(response);
    let left = 1_000_000;
    queues = () => Promise.resolve(new Map([[portsOf(response.socket as Socket), String(left--)]]));
    await looks(60);
    expect(response.destroyed).toBe(false);
    queues = () => Promise.resolve(new Map([[portsOf(response.socket as Socket), String(left)]]));
    await looksUntilCut(response);
    socket.destroy();
  });

  it('a client that stops reading is not waited for once it has everything, or while nothing is to be sent', async () => {
    const sockets = [await ask('/little'), await ask('/nothing-yet')];
    await looks(40);
    expect(await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(sockets.length);
    for (const socket of sockets) socket.destroy();
  });

  it('a client that stops reading is cut too when the system has taken all of the answer and the client takes nothing from there', async () => {
    const socket = await ask('/little');
    const serverSide = served as Socket;
    await expect.poll(() => serverSide.writableLength).toBe(0);
    const queued = (bytes: string) => () => Promise.resolve(new Map([[portsOf(serverSide), bytes]]));
    queues = queued('0001B613');
    await looks(12);
    // The client took something, so the minute starts again.
    queues = queued('0001B612');
    await looks(12);
    expect(serverSide.destroyed).toBe(false);
    await looks(1);
    expect(serverSide.destroyed).toBe(true);
    socket.destroy();
  });

  it('a client that stops reading is looked at in the system only until it has everything', async () => {
    const socket = await ask('/little');
    const serverSide = served as Socket;
    await expect.poll(() => serverSide.writableLength).toBe(0);
    const read = vi.fn(() => Promise.resolve(new Map([[portsOf(serverSide), '00000000']])));
    queues = read;
    await looks(20);
    expect(read).toHaveBeenCalledTimes(1);
    const requested = once(server, 'request');
    socket.write('GET /little HTTP/1.1\r\nHost: h\r\n\r\n');
    await requested;
    await expect.poll(() => serverSide.writableLength).toBe(0);
    await looks(20);
    expect(read).toHaveBeenCalledTimes(2);
    socket.destroy();
  });

  it('a client that stops reading starts anew when it reads on', async () => {
    const socket = await ask('/much');
    const response = answered as ServerResponse;
    await standsStill(response);
    await looks(12);
    // A third of the system's buffer must be free before it takes more.
    let read = 0;
    while (read < 8 * 1024 * 1024) read += ((socket.read() as Buffer | null) ?? (await readable(socket))).length;
    await looks(12);
    expect(response.destroyed).toBe(false);
    socket.destroy();
  });
});

async function readable(socket: Socket): Promise<Buffer> {
  await once(socket, 'readable');
  return (socket.read() as Buffer | null) ?? Buffer.alloc(0);
}

describe.runIf(process.platform === 'linux')('what Linux holds of a connection', () => {
  it('what Linux holds of a connection lets a client be cut whose answer the system holds whole', async () => {
    queues = readSendQueues;
    const socket = await ask('/some');
    const serverSide = served as Socket;
    await expect.poll(() => serverSide.writableLength).toBe(0);
    while (!serverSide.destroyed) {
      await looks(1);
      // The system's tables are read outside of the faked time.
      await readSendQueues();
    }
    expect(serverSide.bytesWritten).toBeGreaterThan(SOME.length);
    socket.destroy();
  });

  it('what Linux holds of a connection is named by its ports, and nothing is left when the client has read all', async () => {
    const socket = await ask('/much');
    const serverSide = (answered as ServerResponse).socket as Socket;
    await standsStill(answered as ServerResponse);
    const queueOf = async () => parseInt((await readSendQueues()).get(portsOf(serverSide)) ?? '', 16);
    expect(await queueOf()).toBeGreaterThan(0);
    socket.resume();
    await once(answered as ServerResponse, 'finish');
    await expect.poll(queueOf).toBe(0);
    socket.destroy();
  });
});
