import { Inject, Injectable, Optional, type OnApplicationShutdown } from '@nestjs/common';
import type { Agent } from 'undici';
import { AllowList, bareHost, checkUrl } from './address-rules.js';
import { DEFAULT_HEADERS } from './default-headers.js';
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
  /** Milliseconds for everything up to the answer's headers, redirects included; without `bodyDeadlineMs` the body falls under it too. */
  readonly deadlineMs: number;
  /** Milliseconds that the body gets after its headers: for callers whom the status alone decides. */
  readonly bodyDeadlineMs?: number;
  /** Bytes of the body to keep; when more come the connection is closed. */
  readonly maxBytes: number;
  /** Redirects to follow, each address checked like the first; 0 (the default) answers with the redirect itself. Only without a body. */
  readonly redirects?: number;
  readonly signal?: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** At most `maxBytes`, as sent: nothing is decompressed. */
  readonly body: Buffer;
  readonly bodyEnd: BodyEnd;
  /** Shorthand for `bodyEnd !== 'complete'`. */
  readonly truncated: boolean;
  readonly finalUrl: string;
  readonly remoteAddress: string;
  readonly durationMs: number;
  /** OUTBOUND_ALLOW names this host or address: what it answers must be neither stored nor shown. */
  readonly viaAllowList: boolean;
}

export interface OutboundOptions {
  /** Connections to one origin at most. Above every caller's own limit per host, so that waiting happens where it can be seen. */
  readonly connections?: number;
  /** Milliseconds after which an idle connection is closed. */
  readonly idleMs?: number;
  /** Further trusted certificates (PEM). */
  readonly ca?: string;
}

/** Injection token of {@link OutboundOptions}; need not be provided. */
export const OUTBOUND_OPTIONS = Symbol('OUTBOUND_OPTIONS');

const DEFAULT_CONNECTIONS = 256;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The only way to an address that a client named: guarded against SSRF, bounded in time and bytes. */
@Injectable()
export class OutboundClient implements OnApplicationShutdown {
  private readonly agent: Agent;

  constructor(
    private readonly allow: AllowList,
    resolver: NameResolver,
    @Optional() @Inject(OUTBOUND_OPTIONS) options: OutboundOptions = {},
  ) {
    const { connections = DEFAULT_CONNECTIONS, ca, idleMs } = options;
    const connect = guardedConnector({ allow, resolver, ...(ca === undefined ? {} : { ca }) });
    this.agent = createAgent({ connect, connections, ...(idleMs === undefined ? {} : { idleMs }) });
  }

  /**
   * Sends one request. Resolves with whatever status came, even if the body then broke off (`bodyEnd`).
   * @throws OutboundError when no answer's headers came; its `maySeen` says whether the other side may have got the request
   */
  async request(url: string, request: OutboundRequest): Promise<OutboundResponse> {
    const started = performance.now();
    try {
      const answer = await this.follow(url, request, started);
      countAnswer(request.purpose, answer.status);
      const truncated = answer.bodyEnd !== 'complete';
      return { ...answer, truncated, durationMs: performance.now() - started };
    } catch (error) {
      if (error instanceof OutboundError) countFailure(request.purpose, error.kind, error.reason);
      throw error;
    }
  }

  /** Origins with a connection open or under way. */
  get openOrigins(): number {
    return Object.keys(this.agent.stats).length;
  }

  /** Ends every connection. Whoever sends must have drained before: what is still under way fails as `aborted`. */
  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  private async follow(
    url: string,
    request: OutboundRequest,
    started: number,
  ): Promise<ExchangeAnswer & { readonly finalUrl: string; readonly viaAllowList: boolean }> {
    const redirects = request.redirects ?? 0;
    if (redirects > 0 && request.body !== undefined) throw new TypeError('a request with a body follows no redirects');
    let target = url;
    let viaAllowList = false;
    for (let hop = 0; ; hop++) {
      const checked = checkUrl(target, this.allow);
      if (!checked.ok) throw new OutboundError('refused', { reason: checked.reason, maySeen: hop > 0 });
      const deadlineMs = request.deadlineMs - (performance.now() - started);
      const answer = await this.send(checked.url, request, deadlineMs).catch((error: unknown) => {
        throw hop > 0 && error instanceof OutboundError ? afterRedirect(error) : error;
      });
      viaAllowList ||= this.allow.hasName(bareHost(checked.url)) || this.allow.hasAddress(answer.remoteAddress);
      const location = redirects > 0 && REDIRECTS.has(answer.status) ? answer.headers['location'] : undefined;
      if (location === undefined) return { ...answer, finalUrl: checked.url.href, viaAllowList };
      const next = parseUrl(location, checked.url);
      if (next === null || hop === redirects) throw new OutboundError('redirect', { maySeen: true });
      target = next.href;
    }
  }

  private send(url: URL, request: OutboundRequest, deadlineMs: number): Promise<ExchangeAnswer> {
    const { method, body, headers, maxBytes, bodyDeadlineMs, signal } = request;
    return exchange(
      (handler, onPeer) => {
        const options: ObservedDispatchOptions = {
          origin: url.origin,
          path: url.pathname + url.search,
          method,
          headers: { ...DEFAULT_HEADERS, ...headers },
          body: body ?? null,
          // undici closes the connection after each HEAD otherwise: a TLS handshake for every photo.
          reset: false,
          onPeer,
        };
        this.agent.dispatch(options, handler);
      },
      { deadlineMs, bodyDeadlineMs, maxBytes, signal },
    );
  }
}

/** The first hop was answered, so something has been seen whatever happened to a later one. */
function afterRedirect({ kind, reason, cause }: OutboundError): OutboundError {
  return new OutboundError(kind, { maySeen: true, cause, ...(reason === undefined ? {} : { reason }) });
}
