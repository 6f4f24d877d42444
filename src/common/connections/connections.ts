import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Connection, type ConnectionHost } from './connection.js';
import { Turns } from './turns.js';

/** The most bytes that may be read from connections and wait for their turn to be parsed. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

const connections = new WeakMap<Socket, Connection>();

/**
 * Notes that the request was correctly signed. When connections run short, its connection is closed after all others.
 * @returns whether this was not known before
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

/** Whether everything else that the socket receives is thrown away. */
export function isDiscarding(socket: Socket): boolean {
  return connections.get(socket)?.isDiscarding === true;
}

export interface ConnectionOptions {
  /** The most connections at the same time. */
  readonly max: number;
  /** Milliseconds that a connection may be open without a complete request line and headers. */
  readonly headersTimeoutMs: number;
}

/** The bytes of a refusal for a connection's first headers; null when they are to be parsed as usual. */
export type Refuse = (head: string, address: string | undefined) => string | null;

/** A refused client that continues to send keeps its connection for this long, so that it can read its answer. */
const LINGER_MS = 1500;
/** The same while it sends much. */
const MAX_LINGER_MS = 10_000;
/**
 * This much at a time counts as sending much: clients that sent one byte a second kept thousands of connections open
 * for ten seconds each.
 */
export const MUCH_BYTES = 16 * 1024;
const SWEEP_MS = 500;

interface Lingering {
  readonly since: number;
  bytes: number;
  at: number;
}

/**
 * All connections of a server: their number is limited, and they are read in turns. When connections run short, the one
 * that has been idle longest and never sent a correct signature is closed. A connection that sent one is never closed
 * for this.
 */
export class Connections implements ConnectionHost {
  readonly turns = new Turns();
  private waitingBytes = 0;
  /** In order of activity: the one that was active last comes last. */
  private readonly all = new Set<Connection>();
  /** Connections that have not sent complete headers yet, with the time when they were opened; oldest first. */
  private readonly silent = new Map<Connection, number>();
  private readonly lingering = new Map<Connection, Lingering>();
  private readonly toHttp: (socket: Socket) => void;
  private refuse: Refuse = () => null;

  constructor(
    private readonly server: Server,
    private readonly options: ConnectionOptions,
  ) {
    // Node's own connection listener runs behind ours; without it no bytes would become a request.
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
    this.toHttp = (socket) => listeners.forEach((one) => one.call(server, socket));
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => this.accept(socket));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
      this.begin(request, response),
    );
    const timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
    server.once('close', () => clearInterval(timer));
  }

  /** Whether so many bytes wait already that no further upload should be let in. */
  get isStrained(): boolean {
    return this.waitingBytes > MAX_WAITING_BYTES / 2 || this.turns.isStrained;
  }

  /**
   * Sets the function that judges the first headers of each connection before they are parsed. Without it none is
   * refused.
   */
  refuseBy(refuse: Refuse): void {
    this.refuse = refuse;
  }

  refusal(head: string, socket: Socket): string | null {
    return this.refuse(head, socket.remoteAddress);
  }

  open(connection: Connection): (bytes: Buffer) => void {
    const { socket } = connection;
    this.silent.delete(connection);
    socket.removeAllListeners('data').off('end', destroyThis).off('error', destroyThis);
    this.toHttp(socket);
    // Replaces Node's own reader, which would parse everything at once.
    const readers = socket.listeners('data') as ((chunk: Buffer) => void)[];
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => connection.receive(chunk));
    socket.on('resume', () => connection.resumed());
    return (bytes) => readers.forEach((reader) => reader.call(socket, bytes));
  }

  refused(connection: Connection): void {
    const now = performance.now();
    this.silent.delete(connection);
    this.lingering.set(connection, { since: now, bytes: 0, at: now });
  }

  mayWait(bytes: number): boolean {
    return this.waitingBytes + bytes <= MAX_WAITING_BYTES;
  }

  waited(bytes: number): void {
    this.waitingBytes -= bytes;
  }

  private accept(socket: Socket): void {
    this.turns.crowd();
    if (this.all.size >= this.options.max && !this.closeIdlest()) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this);
    connections.set(socket, connection);
    this.all.add(connection);
    this.silent.set(connection, performance.now());
    // Until a request exists, nothing else listens to these events.
    socket.on('error', destroyThis).on('end', destroyThis);
    socket.on('data', (chunk: Buffer) => connection.receive(chunk));
    connection.readFirstInTurn();
    socket.once('close', () => {
      this.all.delete(connection);
      this.silent.delete(connection);
      this.lingering.delete(connection);
      connection.closed();
    });
  }

  private begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = connections.get(request.socket);
    if (connection === undefined) return;
    connection.begin(request);
    response.once('close', () => {
      connection.end();
      if (!this.all.delete(connection)) return;
      this.all.add(connection);
    });
  }

  private closeIdlest(): boolean {
    for (const connection of this.all) {
      if (connection.isProven || (connection.busy > 0 && !connection.isDiscarding)) continue;
      this.all.delete(connection);
      connection.socket.destroy();
      return true;
    }
    return false;
  }

  /** Closes connections that never sent anything, and refused ones that have had time to read their answer. */
  private sweep(): void {
    const now = performance.now();
    for (const [connection, since] of this.silent) {
      // server.close() does not know connections that sent nothing, and would wait for them.
      if (this.server.listening && now - since < this.options.headersTimeoutMs) break;
      this.silent.delete(connection);
      connection.socket.destroy();
    }
    for (const [connection, lingering] of this.lingering) {
      const { discardedBytes } = connection;
      if (discardedBytes - lingering.bytes >= MUCH_BYTES && now - lingering.since < MAX_LINGER_MS) {
        lingering.bytes = discardedBytes;
        lingering.at = now;
      } else if (now - lingering.at > (connection.isToRead ? MAX_LINGER_MS : LINGER_MS)) connection.socket.destroy();
    }
  }
}

function destroyThis(this: Socket): void {
  this.destroy();
}
