import type { RefusalReason } from './address-rules.js';

/**
 * - `refused`: the guard forbids the address (`reason` says why)
 * - `dns`, `connect`, `tls`: there was no usable connection
 * - `timeout`: the deadline passed before the answer's headers were in
 * - `reset`: the connection broke before the answer's headers were in
 * - `redirect`: too many redirects, or one whose target is no address
 * - `aborted`: the caller's signal, or the shutdown
 * - `invalid_response`: the answer is not HTTP/1.1, or its headers are too large
 */
export type OutboundErrorKind =
  'refused' | 'dns' | 'connect' | 'tls' | 'timeout' | 'reset' | 'redirect' | 'aborted' | 'invalid_response';

export interface OutboundErrorFacts {
  /** Set for `refused`. */
  readonly reason?: RefusalReason;
  /** The request may have reached the other side, which may have acted on it. */
  readonly maySeen: boolean;
  /** Set for `dns` when the name certainly has no address, and not only its servers failed to answer. */
  readonly unknownName?: boolean;
  /** OUTBOUND_ALLOW names a host on the way, so its error must not be shown. */
  readonly viaAllowList?: boolean;
  readonly cause?: unknown;
}

const MESSAGES: Record<OutboundErrorKind, string> = {
  // The same text for both: another one for a name that leads to a forbidden address would reveal our network.
  refused: 'the host name could not be resolved',
  dns: 'the host name could not be resolved',
  connect: 'no connection could be made',
  tls: 'the TLS handshake failed',
  timeout: 'no answer came in time',
  reset: 'the connection broke',
  redirect: 'the redirects lead nowhere',
  aborted: 'the request was called off',
  invalid_response: 'the answer is not valid HTTP',
};

/** A request to a client's address that brought no answer. The message is constant and safe to store and show. */
export class OutboundError extends Error {
  readonly reason: RefusalReason | undefined;
  readonly maySeen: boolean;
  readonly unknownName: boolean;
  readonly viaAllowList: boolean;

  constructor(
    readonly kind: OutboundErrorKind,
    facts: OutboundErrorFacts,
  ) {
    super(MESSAGES[kind], facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'OutboundError';
    this.reason = facts.reason;
    this.maySeen = facts.maySeen;
    this.unknownName = facts.unknownName ?? false;
    this.viaAllowList = facts.viaAllowList ?? false;
  }
}
