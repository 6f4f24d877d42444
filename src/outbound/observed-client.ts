import { Agent, Client, Pool, type buildConnector, type Dispatcher } from 'undici';
import { HeadFilter } from './head-filter.js';

/** The other end of one connection; both members are known once the connection is there. */
export interface Peer {
  address: string;
  heads: HeadFilter | undefined;
}

/** undici's options of one request, with a way to learn which connection takes it. */
export interface ObservedDispatchOptions extends Dispatcher.DispatchOptions {
  readonly onPeer?: (peer: Peer) => void;
}

/** One connection of a pool that tells where it leads; undici itself does not tell a request's handler. */
class ObservedClient extends Client {
  constructor(
    origin: URL,
    options: Client.Options,
    private readonly peer: Peer,
  ) {
    super(origin, options);
  }

  override dispatch(options: ObservedDispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    options.onPeer?.(this.peer);
    return super.dispatch(options, handler);
  }
}

/** Idle connections are closed after this time, or after the shorter time that the server names. */
const IDLE_MS = 4_000;
const MAX_HEADER_BYTES = 16_384;

export interface AgentOptions {
  readonly connect: buildConnector.connector;
  /** Connections to one origin at most. */
  readonly connections: number;
  readonly idleMs?: number;
}

/**
 * An agent with a small pool for each origin in use. undici removes a pool with its last connection, and idle
 * connections are closed, so thousands of hosts in one night leave nothing behind.
 */
export function createAgent({ connect, connections, idleMs = IDLE_MS }: AgentOptions): Agent {
  return new Agent({
    factory: (origin, options) =>
      new Pool(origin, { ...(options as Pool.Options), connections, factory: createClient }),
    connect,
    pipelining: 1,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    // Every exchange has a deadline of its own; undici's start again with each chunk, so a server that sends slowly
    // never reaches them.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function createClient(origin: URL, options: object): Dispatcher {
  const peer: Peer = { address: '', heads: undefined };
  const { connect, ...rest } = options as Client.Options;
  if (typeof connect !== 'function') throw new TypeError('the guarded connector is missing');
  const observed: buildConnector.connector = (target, callback) => {
    connect(target, (...result) => {
      const [, socket] = result;
      if (socket !== null) {
        peer.address = socket.remoteAddress ?? '';
        peer.heads = new HeadFilter(socket);
      }
      callback(...result);
    });
  };
  return new ObservedClient(origin, { ...rest, connect: observed }, peer);
}
