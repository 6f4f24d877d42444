import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { JsonObject } from '../json.js';

/** One request on its way through the sandbox. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The named parts of the route's path. */
  readonly params: Readonly<Record<string, string>>;
  /** The body as text and parsed, for routes that take JSON. */
  readonly text: string;
  readonly json: unknown;
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
}

/** What a handler answers: JSON, or a stream of known length. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: JsonObject | string | { readonly stream: Readable; readonly bytes: number };
}

export interface Route {
  readonly method: string;
  /** `/v1/files/:id/content` */
  readonly pattern: string;
  /** `json`: read and parsed before the handler; `stream`: the handler reads the request itself. */
  readonly body: 'none' | 'json' | 'stream';
  /** True when the work is abandoned if the client disconnects; a create continues, as at OpenAI. */
  readonly stopsOnHangUp?: boolean;
  readonly handle: (exchange: Exchange) => Promise<Reply>;
}

/** The route for a method and path, with the path's parameters. */
export class Router {
  private readonly routes: readonly (Route & { readonly segments: readonly string[] })[];

  constructor(routes: readonly Route[]) {
    this.routes = routes.map((route) => ({ ...route, segments: route.pattern.split('/') }));
  }

  match(method: string, path: string): { route: Route; params: Record<string, string> } | undefined {
    const parts = path.split('/');
    for (const route of this.routes) {
      const params = route.method === method ? matchSegments(route.segments, parts) : undefined;
      if (params !== undefined) return { route, params };
    }
    return undefined;
  }
}

function matchSegments(segments: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if (segment.startsWith(':')) {
      if (part === '') return undefined;
      try {
        params[segment.slice(1)] = decodeURIComponent(part);
      } catch {
        return undefined;
      }
    } else if (segment !== part) {
      return undefined;
    }
  }
  return params;
}

export function ok(body: JsonObject, headers?: Readonly<Record<string, string>>): Reply {
  return { status: 200, body, ...(headers === undefined ? {} : { headers }) };
}
