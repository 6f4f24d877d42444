import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Connection, type ConnectionHost } from './connection.js';
import { Turns } from './turns.js';

/** Bytes that were read from connections and wait for their turn to be parsed. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

const connections = new WeakMap<Socket, Connection>();

/**
 * Notes that the request was rightly signed: its connection is closed after all others when they run short.
 * @returns whether that is news
 */
export function markProven(request: IncomingMessage): boolean {
  const connection = connections.get(request.socket);
  if (connection === undefined) return true;
  const isNews = !connection.isProven;
  connection.isProven = true;
  return isNews;
}

/** The connection of a request, where it came through {@link Connections}. */
export function connectionOf(request: IncomingMessage): Connection | undefined {
  return connections.get(request.socket);
}

/** Whether the rest of what comes over the socket is thrown away. */
export function isDiscarding(socket: Socket): boolean {
  return connections.get(socket)?.isDiscarding === true;
}

/**
 * All connections of a server: at most so many, and each read in turns. When they run short, the one that has been idle
 * longest of those that never sent a right signature is closed first, and none that did.
 */
export class Connections implements ConnectionHost {
  readonly turns = new Turns();
  private waitingBytes = 0;
  /** The one that was active last comes last. */
  private readonly open = new Set<Connection>();

  constructor(
    server: Server,
    private readonly max: number,
  ) {
    // Node's own listener for connections is put behind ours; without it nothing would be a request.
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) =>
      this.accept(socket, () => listeners.forEach((one) => one.call(server, socket))),
    );
    const begin = (request: IncomingMessage, response: ServerResponse) => this.begin(request, response);
    server.prependListener('request', begin);
  }

  get size(): number {
    return this.open.size;
  }

  /** Whether so much waits already that nothing should be let in that adds to it. */
  get isStrained(): boolean {
    return this.waitingBytes > MAX_WAITING_BYTES / 2;
  }

  mayWait(bytes: number): boolean {
    return this.waitingBytes + bytes <= MAX_WAITING_BYTES;
  }

  waited(bytes: number): void {
    this.waitingBytes -= bytes;
  }

  private accept(socket: Socket, toHttp: () => void): void {
    if (this.open.size >= this.max && !this.closeIdlest()) {
      socket.destroy();
      return;
    }
    toHttp();
    // In the place of Node's own reader, which would parse whatever comes at once.
    const readers = socket.listeners('data') as ((chunk: Buffer) => void)[];
    const connection = new Connection(socket, this, (bytes) => readers.forEach((reader) => reader.call(socket, bytes)));
    for (const reader of readers) socket.off('data', reader);
    socket.on('data', (chunk: Buffer) => connection.receive(chunk));
    socket.on('resume', () => connection.resumed());
    connections.set(socket, connection);
    this.open.add(connection);
    socket.once('close', () => {
      this.open.delete(connection);
      connection.closed();
    });
  }

  private begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = connections.get(request.socket);
    if (connection === undefined) return;
    connection.begin(request);
    response.once('close', () => {
      connection.end();
      if (!this.open.delete(connection)) return;
      this.open.add(connection);
    });
  }

  private closeIdlest(): boolean {
    for (const connection of this.open) {
      if (connection.isProven || (connection.busy > 0 && !connection.isDiscarding)) continue;
      this.open.delete(connection);
      connection.socket.destroy();
      return true;
    }
    return false;
  }
}
