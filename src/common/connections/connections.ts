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

export interface ConnectionOptions {
  /** At most so many. */
  readonly max: number;
  /** How long one may be open without a whole request line and headers, milliseconds. */
  readonly headersTimeoutMs: number;
}

/** The bytes of a refusal, for a connection's first headers; null: they are parsed as any others. */
export type Refuse = (head: string, address: string | undefined) => string | null;

/** A refused client that sends on keeps its connection for this long, so that it can read its answer. */
const LINGER_MS = 1500;
/** And for this long while it sends much. */
const MAX_LINGER_MS = 10_000;
/** So much at a time counts as sending on: a byte a second kept thousands of connections open for ten seconds each. */
export const MUCH_BYTES = 16 * 1024;
const SWEEP_MS = 500;

interface Lingering {
  readonly since: number;
  bytes: number;
  at: number;
}

/**
 * All connections of a server: at most so many, and each read in turns. When they run short, the one that has been idle
 * longest of those that never sent a right signature is closed first, and none that did.
 */
export class Connections implements ConnectionHost {
  readonly turns = new Turns();
  private waitingBytes = 0;
  /** The one that was active last comes last. */
  private readonly all = new Set<Connection>();
  /** Those that have not sent whole headers yet, with the time at which they were opened; oldest first. */
  private readonly silent = new Map<Connection, number>();
  private readonly lingering = new Map<Connection, Lingering>();
  private readonly toHttp: (socket: Socket) => void;
  private refuse: Refuse = () => null;

  constructor(
    private readonly server: Server,
    private readonly options: ConnectionOptions,
  ) {
    // Node's own listener for connections is put behind ours; without it nothing would be a request.
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

  get size(): number {
    return this.all.size;
  }

  /** Whether so much waits already that nothing should be let in that adds to it. */
  get isStrained(): boolean {
    return this.waitingBytes > MAX_WAITING_BYTES / 2 || this.turns.isStrained;
  }

  /** Has the first headers of each connection judged before they are parsed; without it none is refused. */
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
    // In the place of Node's own reader, which would parse whatever comes at once.
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
    // Until there is a request, nobody else hears these.
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
      // A server that is closing knows nothing of those that sent nothing, and would wait for them.
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
