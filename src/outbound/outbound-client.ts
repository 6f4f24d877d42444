import { isUtf8 } from 'node:buffer';
import { Inject, Injectable, Optional, type OnApplicationShutdown } from '@nestjs/common';
import type { Agent } from 'undici';
import { inSpan, noteOnSpan } from '../common/spans.js';
import { AllowList, bareHost, checkUrl, type UrlCheck } from './address-rules.js';
import { exchange, type BodyEnd, type ExchangeAnswer, type ResponseHeaders } from './exchange.js';
import { guardedConnector } from './guarded-connector.js';
import { NameResolver } from './name-resolver.js';
import { createAgent, type ObservedDispatchOptions } from './observed-client.js';
import { OutboundError } from './outbound-error.js';
import { countAnswer, countFailure, type OutboundPurpose } from './outbound-metrics.js';
import { parseUrl } from './parse-url.js';

export interface OutboundRequest {
  readonly purpose: OutboundPurpose;
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Lower-case names; they win over DEFAULT_HEADERS. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /**
   * Milliseconds for everything up to the answer's headers, redirects included; without `bodyDeadlineMs` the body falls
   * under it too.
   */
  readonly deadlineMs: number;
  /** Milliseconds that the body gets after its headers, for callers that only need the status. */
  readonly bodyDeadlineMs?: number;
  /** Bytes of the body to keep; when more come the connection is closed. */
  readonly maxBytes: number;
  /**
   * Redirects to follow, each address checked like the first; 0 (the default) answers with the redirect itself. Only
   * without a body.
   */
  readonly redirects?: number;
  readonly signal?: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** At most `maxBytes`, as sent: nothing is decompressed. */
  readonly body: Buffer;
  readonly bodyEnd: BodyEnd;
  readonly remoteAddress: string;
  /** OUTBOUND_ALLOW names this host or address: what it answers must be neither stored nor shown. */
  readonly viaAllowList: boolean;
}

export interface OutboundOptions {
  /**
   * The most connections to one origin. It is above every caller's own limit per host, so that requests wait there,
   * where it can be measured.
   */
  readonly connections?: number;
  /** Milliseconds after which an idle connection is closed. */
  readonly idleMs?: number;
  /** Further trusted certificates (PEM). */
  readonly ca?: string;
  /** The User-Agent of requests for photos. If absent, it is the same as for all others. */
  readonly photoUserAgent?: string;
}

/** Injection token of {@link OutboundOptions}; need not be provided. */
export const OUTBOUND_OPTIONS = Symbol('OUTBOUND_OPTIONS');

/**
 * What every request to an address named by a client carries; a header of the request itself wins over one here.
 * `identity`: nothing is ever decompressed, so a compression bomb is only as large as it was sent.
 */
const DEFAULT_HEADERS: Readonly<Record<string, string>> = {
  'user-agent': 'Generation-Service/2.0',
  'accept-encoding': 'identity',
};
const DEFAULT_CONNECTIONS = 256;
/** How many checked addresses are remembered; each has at most 4,096 characters. */
const MOST_TARGETS = 256;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** An address that has passed the rules. */
interface Target {
  readonly ok: true;
  readonly href: string;
  readonly origin: string;
  readonly path: string;
  readonly host: string;
  /** OUTBOUND_ALLOW names its host. */
  readonly listed: boolean;
}

type Refusal = Extract<UrlCheck, { readonly ok: false }>;

/** The only way to an address that a client named: guarded against SSRF, bounded in time and bytes. */
@Injectable()
export class OutboundClient implements OnApplicationShutdown {
  private readonly agent: Agent;
  private readonly photoHeaders: Readonly<Record<string, string>>;
  private readonly targets = new Map<string, Target>();

  constructor(
    private readonly allow: AllowList,
    resolver: NameResolver,
    @Optional() @Inject(OUTBOUND_OPTIONS) options: OutboundOptions = {},
  ) {
    const { connections = DEFAULT_CONNECTIONS, ca, idleMs, photoUserAgent } = options;
    this.photoHeaders = photoUserAgent === undefined ? {} : { 'user-agent': photoUserAgent };
    const connect = guardedConnector({ allow, resolver, ...(ca === undefined ? {} : { ca }) });
    this.agent = createAgent({ connect, connections, ...(idleMs === undefined ? {} : { idleMs }) });
  }

  /**
   * Sends one request. Resolves with any status, even if the body is then incomplete (`bodyEnd`).
   * @throws OutboundError when no headers of an answer arrived; `maySeen` says whether the other side may have received
   * the request
   */
  request(url: string, request: OutboundRequest): Promise<OutboundResponse> {
    const { purpose, method } = request;
    return inSpan(`${purpose} ${method}`, { purpose }, () => this.counted(url, request), { kind: 'client' });
  }

  /** Ends every connection. Callers must have finished before; a request that is still under way fails as `aborted`. */
  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  private async counted(url: string, request: OutboundRequest): Promise<OutboundResponse> {
    const started = performance.now();
    try {
      const answer = await this.follow(url, request, started);
      countAnswer(request.purpose, answer.status);
      noteOnSpan({ 'http.response.status_code': answer.status });
      return answer;
    } catch (error) {
      if (error instanceof OutboundError) countFailure(request.purpose, error.kind, error.reason);
      throw error;
    }
  }

  private async follow(url: string, request: OutboundRequest, started: number): Promise<OutboundResponse> {
    const redirects = request.redirects ?? 0;
    if (redirects > 0 && request.body !== undefined) throw new TypeError('a request with a body follows no redirects');
    let target = url;
    let viaAllowList = false;
    for (let hop = 0; ; hop++) {
      const checked = this.check(target);
      if (!checked.ok) throw new OutboundError('refused', { reason: checked.reason, maySeen: hop > 0, viaAllowList });
      // Of the address only the host: paths and queries of photos and receivers hold tokens.
      noteOnSpan({ 'server.address': checked.host });
      const deadlineMs = request.deadlineMs - (performance.now() - started);
      let answer: ExchangeAnswer;
      try {
        answer = await this.send(checked, request, deadlineMs);
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error;
        throw onTheWay(error, hop, viaAllowList || this.allow.covers(checked.host));
      }
      viaAllowList ||= checked.listed || this.allow.hasAddress(answer.remoteAddress);
      const { status, headers, body, bodyEnd, remoteAddress } = answer;
      const location = redirects > 0 && REDIRECTS.has(status) ? headers['location'] : undefined;
      if (location === undefined) {
        return { status, headers, body, bodyEnd, remoteAddress, viaAllowList };
      }
      const next = parseUrl(readLocation(location), checked.href);
      if (next === null || hop === redirects) throw new OutboundError('redirect', { maySeen: true, viaAllowList });
      target = next.href;
    }
  }

  /**
   * The rules' answer for an address (without DNS) never changes, and a receiver's address is checked with every
   * delivery.
   */
  private check(url: string): Target | Refusal {
    const known = this.targets.get(url);
    if (known !== undefined) return known;
    const checked = checkUrl(url, this.allow);
    if (!checked.ok) return checked;
    const { href, origin, pathname, search } = checked.url;
    const host = bareHost(checked.url);
    const target: Target = { ok: true, href, origin, path: pathname + search, host, listed: this.allow.hasName(host) };
    if (this.targets.size >= MOST_TARGETS) this.targets.clear();
    this.targets.set(url, target);
    return target;
  }

  private send({ origin, path }: Target, request: OutboundRequest, deadlineMs: number): Promise<ExchangeAnswer> {
    const { method, body, headers, maxBytes, bodyDeadlineMs, signal } = request;
    const purposeHeaders = request.purpose === 'photo' ? this.photoHeaders : {};
    return exchange(
      (handler, onPeer) => {
        const options: ObservedDispatchOptions = {
          origin,
          path,
          method,
          headers: { ...DEFAULT_HEADERS, ...purposeHeaders, ...headers },
          body: body ?? null,
          // Otherwise undici closes the connection after each HEAD, which costs a TLS handshake for every photo.
          reset: false,
          onPeer,
        };
        this.agent.dispatch(options, handler);
      },
      { deadlineMs, bodyDeadlineMs, maxBytes, signal },
    );
  }
}

/**
 * A Location as browsers read it: its bytes are read as UTF-8 if they are valid UTF-8, although HTTP does not allow
 * that.
 * @param location - each byte as one character, as undici passes it on
 */
function readLocation(location: string): string {
  if (!/[\x80-\xff]/.test(location)) return location;
  const bytes = Buffer.from(location, 'latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return location.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** After a redirect the first server has seen the request, whatever happened to the later hop. */
function onTheWay(error: OutboundError, hop: number, viaAllowList: boolean): OutboundError {
  if (hop === 0 && !viaAllowList) return error;
  const { kind, reason, cause, unknownName } = error;
  const maySeen = error.maySeen || hop > 0;
  return new OutboundError(kind, {
    maySeen,
    cause,
    unknownName,
    viaAllowList,
    ...(reason === undefined ? {} : { reason }),
  });
}
