import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express } from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { refuseUpload, type DrainBounds } from '../../src/common/refuse-upload.js';
import { openRaw } from '../generation/http-support.js';

// Real: Express on loopback and a client that speaks bytes; the bounds alone are small.

const ANSWER = JSON.stringify({ code: 'UNSUPPORTED_MEDIA_TYPE' });
const KIB = 1024;

interface Refusing {
  readonly port: number;
  /** The server's side of the first connection. */
  readonly connection: Promise<Socket>;
}

/** A server that refuses every upload before it has read any of it. */
async function refuse(bounds: DrainBounds): Promise<Refusing> {
  const app = new ExpressAdapter().getInstance<Express>();
  app.post('/x', (request, response) => {
    response.status(415);
    refuseUpload(request, response, ANSWER, bounds);
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  const connection = once(server, 'connection').then(([socket]) => socket as Socket);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, connection };
}

function upload(port: number, bytes: number): { socket: Socket; answer: Promise<string> } {
  const socket = openRaw(port, ['POST /x HTTP/1.1', 'Host: h', `Content-Length: ${bytes}`]);
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  const answer = closed(socket).then(() => Buffer.concat(parts).toString('latin1'));
  return { socket, answer };
}

/** Closed in any way: here a reset, which is an error of the socket, is no other outcome. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('the rest of an upload that was refused early', () => {
  it('the rest of an upload that was refused early is read to its end, so that a client that sends everything first gets its answer', async () => {
    const size = 512 * KIB;
    const { port, connection } = await refuse({ bytes: size, milliseconds: 60_000, quietMilliseconds: 60_000 });
    const { socket, answer } = upload(port, size);
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    socket.write(Buffer.alloc(size));
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 415 /);
    expect(text.endsWith(ANSWER)).toBe(true);
    expect(errors).toEqual([]);
    expect((await connection).bytesRead).toBeGreaterThanOrEqual(size);
  });

  it('the rest of an upload that was refused early is cut where the bytes run out, however long the client would go on', async () => {
    const bounds = { bytes: 256 * KIB, milliseconds: 60_000, quietMilliseconds: 60_000 };
    const { port, connection } = await refuse(bounds);
    const { socket, answer } = upload(port, 1e12);
    const server = await connection;
    const chunk = Buffer.alloc(16 * KIB);
    const send = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', send);
    send();
    await closed(server);
    // What one read and the stream's own buffer may hold comes on top; the client would have sent a terabyte.
    expect(server.bytesRead).toBeGreaterThan(bounds.bytes);
    expect(server.bytesRead).toBeLessThan(bounds.bytes + 256 * KIB);
    socket.destroy();
    expect(await answer).toMatch(/^(?:HTTP\/1\.1 415 |$)/);
  });

  it('the rest of an upload that was refused early is not waited for longer than the time allows when the client stalls', async () => {
    const { port } = await refuse({ bytes: 256 * KIB, milliseconds: 1, quietMilliseconds: 60_000 });
    const { answer } = upload(port, 1000);
    // The test is that this ends at all: the client neither sends the rest nor disconnects.
    expect((await answer).endsWith(ANSWER)).toBe(true);
  });

  it('the rest of an upload that was refused early is not waited for when nothing comes', async () => {
    const { port } = await refuse({ bytes: 256 * KIB, milliseconds: 60_000, quietMilliseconds: 1 });
    const { answer } = upload(port, 1000);
    expect((await answer).endsWith(ANSWER)).toBe(true);
  });

  it('the rest of an upload that was refused early is not waited for when it comes a byte at a time', async () => {
    const { port, connection } = await refuse({ bytes: 256 * KIB, milliseconds: 600_000, quietMilliseconds: 1000 });
    const { socket, answer } = upload(port, 100_000);
    const timer = setInterval(() => socket.write(' '), 20);
    onTestFinished(() => clearInterval(timer));
    await closed(await connection);
    expect((await answer).endsWith(ANSWER)).toBe(true);
  });

  it('the rest of an upload that was refused early does not keep the server for a client that hangs up', async () => {
    const { port, connection } = await refuse({ bytes: 256 * KIB, milliseconds: 60_000, quietMilliseconds: 60_000 });
    const { socket } = upload(port, 1000);
    await once(socket, 'data');
    socket.destroy();
    await closed(await connection);
  });
});
