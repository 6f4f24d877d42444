import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/**
 * How a request says that it is signed: by scheme 1, by scheme 2 in a header, or by the body if at all. A sender of
 * unsigned uploads may share an address with a real client, for example behind one proxy, but it does not share that
 * client's standing and places.
 */
export type Claim = 'v1' | 'header' | 'body';

export const CLAIMS: readonly Claim[] = ['v1', 'header', 'body'];

/** Who sends an upload, as far as this is known before the signature is checked. */
export interface Claimant {
  /** Of the client, as a group of addresses; see {@link addressGroup}. */
  readonly address: string;
  /** `address` together with the claim; it waits in line and has a standing. */
  readonly key: string;
  /** The connection's own address if clients can claim any other (TRUST_PROXY=true); otherwise null. */
  readonly peer: string | null;
}

/** The key of one claim of an address. */
export function claimKey(address: string, claim: Claim): string {
  return `${address} ${claim}`;
}

/**
 * @param ip - of the client, with TRUST_PROXY honoured: Express's `request.ip`
 * @param believesAnybody - TRUST_PROXY=true
 */
export function claimantOf(request: IncomingMessage, ip: string | undefined, believesAnybody: boolean): Claimant {
  const peer = believesAnybody ? addressGroup(request.socket.remoteAddress) : null;
  return claimantAt(ip, request.headers['x-signature'], peer);
}

export function claimantAt(
  ip: string | undefined,
  signature: string | string[] | undefined,
  peer: string | null = null,
): Claimant {
  const address = addressGroup(ip);
  return { address, key: claimKey(address, claimOf(signature)), peer };
}

function claimOf(signature: string | string[] | undefined): Claim {
  if (typeof signature !== 'string' || signature === '') return 'body';
  return signature.startsWith('v1=') ? 'v1' : 'header';
}

/** An IPv6 client owns a /64 at least, so it counts as one address; IPv4 written as IPv6 counts as IPv4. */
export function addressGroup(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':');
}
