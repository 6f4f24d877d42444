import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { buildConnector } from 'undici';
import type { AllowList, RefusalReason } from './address-rules.js';
import { hasNoAddress, type NameResolver } from './name-resolver.js';
import type { OutboundErrorKind } from './outbound-error.js';
import { isPublicAddress } from './public-address.js';

/** The longest wait for DNS, TCP and TLS together, whatever the deadlines of the waiting requests are. */
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * Time for one address before the next is tried; Node's own 250 ms is less than a round trip to the other side of the
 * world.
 */
const NEXT_ADDRESS_MS = 500;
/** A name with hundreds of addresses must not turn one photo into a port scan. */
const MAX_DIALLED = 8;

/** Why there is no connection. It has no `code`, because undici gives some codes a meaning. */
export class ConnectFailure extends Error {
  constructor(
    readonly kind: Extract<OutboundErrorKind, 'refused' | 'dns' | 'connect' | 'tls' | 'timeout'>,
    readonly reason: RefusalReason | undefined,
    cause?: unknown,
    readonly unknownName = false,
  ) {
    super(kind, cause === undefined ? undefined : { cause });
    this.name = 'ConnectFailure';
  }
}

export interface GuardOptions {
  readonly allow: AllowList;
  readonly resolver: NameResolver;
  /** Further trusted certificates (PEM). */
  readonly ca?: string;
}

/**
 * An undici connector that reaches allowed addresses only. An IP address in the URL is checked here because Node never
 * calls `lookup` for it. For a name every resolved address must be allowed, and the checked list is the one that is
 * dialled, so that a second DNS answer cannot differ from the first. The socket's peer is checked again as a last
 * defence. The name stays in Host and SNI.
 */
export function guardedConnector({ allow, resolver, ca }: GuardOptions): buildConnector.connector {
  const askAllowed = callbackify((name: string) => allowedAddresses(name, allow, resolver));
  const lookup: LookupFunction = (name, options, callback) => {
    askAllowed(name, (error, addresses) => {
      const [first] = error === null ? addresses : [];
      if (first === undefined) callback(error ?? new ConnectFailure('dns', undefined), '');
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({
    lookup,
    ...(ca === undefined ? {} : { ca }),
    timeout: CONNECT_TIMEOUT_MS,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
  });
  return (options, callback) => {
    const { hostname } = options;
    if (isIP(hostname) > 0 && !mayDial(hostname, allow)) {
      queueMicrotask(() => callback(new ConnectFailure('refused', 'address'), null));
      return;
    }
    connect(options, (error, socket) => {
      if (error !== null) {
        callback(toConnectFailure(error, options.protocol), null);
        return;
      }
      const peer = socket.remoteAddress;
      if (peer === undefined || !(mayDial(peer, allow) || allow.hasName(hostname))) {
        socket.on('error', () => undefined).destroy();
        callback(
          peer === undefined
            ? new ConnectFailure('connect', undefined)
            : new ConnectFailure('refused', 'connected_address'),
          null,
        );
        return;
      }
      callback(null, socket);
    });
  };
}

async function allowedAddresses(name: string, allow: AllowList, resolver: NameResolver): Promise<LookupAddress[]> {
  const listed = allow.hasName(name);
  let found: readonly LookupAddress[];
  try {
    found = await (listed ? resolver.resolveBySystem(name) : resolver.resolve(name));
  } catch (error) {
    throw new ConnectFailure('dns', undefined, error, hasNoAddress(error));
  }
  // One private address among public ones is an attack or a mistake. Using only the public ones would hide that.
  if (!listed && !found.every(({ address }) => mayDial(address, allow))) {
    throw new ConnectFailure('refused', 'resolved_address');
  }
  if (found.some(({ address }) => allow.hasAddress(address))) allow.noteLed(name);
  return found.slice(0, MAX_DIALLED);
}

function mayDial(address: string, allow: AllowList): boolean {
  return isPublicAddress(address) || allow.hasAddress(address);
}

/** What TCP itself reports; over https everything else comes from the handshake. */
const TCP_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'EACCES',
  'EINVAL',
  'EMFILE',
]);

function toConnectFailure(error: Error, protocol: string): ConnectFailure {
  if (error instanceof ConnectFailure) return error;
  const { code } = error as { code?: unknown };
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new ConnectFailure('timeout', undefined, error);
  const byTcp = error instanceof AggregateError || TCP_CODES.has(code);
  return new ConnectFailure(byTcp || protocol !== 'https:' ? 'connect' : 'tls', undefined, error);
}
