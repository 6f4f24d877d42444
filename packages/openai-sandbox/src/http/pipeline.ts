import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LogEntry, RequestLog } from '../control/request-log.js';
import { ruleFor, type FaultBook } from '../faults/fault-book.js';
import type { FaultRule } from '../faults/fault-rules.js';
import { afterFault, faultReply, NO_ANSWER, strikeBefore } from '../faults/request-faults.js';
import { isObject, stringAt } from '../json.js';
import { newObjectId } from '../seeded.js';
import { ApiError } from './api-error.js';
import { errorReply } from './error-reply.js';
import { parseJson, readText } from './read-body.js';
import type { Exchange, Reply, Router } from './router.js';
import { sendReply } from './send-reply.js';

export interface PipelineOptions {
  /** OpenAI's endpoints. */
  readonly api: Router;
  /** The sandbox's own, under /sandbox/; neither logged nor subject to faults. */
  readonly control: Router;
  readonly faults: FaultBook;
  readonly log: RequestLog;
  /** Bearer token that is let in; empty: any. */
  readonly apiKey: string;
}

/** Takes a request from its first byte to its answer: log, key, body, faults, handler, answer. */
export class Pipeline {
  constructor(private readonly options: PipelineOptions) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'http://sandbox');
    if (url.pathname.startsWith('/sandbox/')) {
      await this.control(request, response, method, url);
      return;
    }
    const requestId = newObjectId('req_');
    const entry = this.begin(request, response, method, url, requestId);
    const hangUp = new AbortController();
    // A request may have 1,500 photos, and each download listens.
    setMaxListeners(0, hangUp.signal);
    response.once('close', () => hangUp.abort(new Error('the client hung up')));
    const started = performance.now();
    const faults: FaultRule[] = [];
    const reply = await this.answer(request, method, url, entry, faults, hangUp.signal).catch((error: unknown) => {
      const isCutOff = hangUp.signal.aborted || (request.destroyed && !request.complete);
      return isCutOff ? NO_ANSWER : errorReply(error);
    });
    if (response.destroyed) return;
    if (reply === NO_ANSWER) {
      entry.outcome = 'lost';
      if (ruleFor(faults, 'reset') !== undefined) response.destroy();
      return;
    }
    entry.status = reply.status;
    // A client that disconnects is not a fault of the sandbox; the log's outcome shows it.
    const complete = await sendReply(response, reply, standardHeaders(requestId, started), faults).catch(() => true);
    if (!complete) entry.outcome = 'lost';
    // Otherwise the unread rest of a refused upload would be read as the next request of the connection.
    if (!request.complete) request.resume();
  }

  private begin(
    request: IncomingMessage,
    response: ServerResponse,
    method: string,
    url: URL,
    requestId: string,
  ): LogEntry {
    const entry = this.options.log.add({
      request_id: requestId,
      at: new Date().toISOString(),
      method,
      path: url.pathname,
      query: url.search.slice(1),
      user_agent: request.headers['user-agent'] ?? '',
      route: '(unknown)',
      model: null,
      body_bytes: Number(request.headers['content-length'] ?? 0),
      body: null,
      status: null,
      outcome: 'running',
      duration_ms: null,
      faults: [],
    });
    const started = performance.now();
    response.once('close', () => {
      entry.duration_ms = Math.round(performance.now() - started);
      if (entry.outcome === 'running') entry.outcome = response.writableFinished ? 'answered' : 'aborted';
      this.options.log.count(`${method} ${entry.route} ${entry.status ?? '-'} ${entry.outcome}`);
    });
    return entry;
  }

  private authorize(request: IncomingMessage): void {
    const key = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined) throw new ApiError(401, NO_KEY);
    if (this.options.apiKey !== '' && key !== this.options.apiKey) {
      const shown = key.length > 8 ? `${key.slice(0, 4)}****${key.slice(-4)}` : '****';
      const advice = 'You can find your API key at https://platform.openai.com/account/api-keys.';
      throw new ApiError(401, `Incorrect API key provided: ${shown}. ${advice}`, { code: 'invalid_api_key' });
    }
  }

  private async answer(
    request: IncomingMessage,
    method: string,
    url: URL,
    entry: LogEntry,
    faults: FaultRule[],
    signal: AbortSignal,
  ): Promise<Reply | typeof NO_ANSWER> {
    this.authorize(request);
    const path = url.pathname;
    const match = this.options.api.match(method, path);
    if (match === undefined) throw new ApiError(404, `Invalid URL (${method} ${path})`);
    const { route, params } = match;
    entry.route = route.pattern;
    const text = route.body === 'json' ? await readText(request) : '';
    if (text !== '') {
      entry.body_bytes = Buffer.byteLength(text);
      this.options.log.keepBody(entry, text);
    }
    const json = route.body === 'json' ? parseJson(text) : undefined;
    entry.model = isObject(json) ? (stringAt(json, 'model') ?? null) : null;
    const model = entry.model ?? undefined;
    const kind = model === undefined ? undefined : requestKind(text);
    faults.push(...this.options.faults.strike('request', { method, path, model, kind, text, within: 'http' }));
    entry.faults = faults.map((rule) => rule.id);
    const before = await strikeBefore(faults, route.stopsOnHangUp === true ? signal : undefined);
    if (before !== undefined) return before;
    const exchange: Exchange = { request, method, path, query: url.searchParams, params, text, json, signal };
    const lost = afterFault(faults);
    if (lost === undefined) return route.handle(exchange);
    await route.handle(exchange).catch(() => undefined);
    return faultReply(lost);
  }

  private async control(request: IncomingMessage, response: ServerResponse, method: string, url: URL): Promise<void> {
    const answer = async (): Promise<Reply> => {
      const match = this.options.control.match(method, url.pathname);
      if (match === undefined) throw new ApiError(404, `Invalid URL (${method} ${url.pathname})`);
      const { route, params } = match;
      const text = route.body === 'json' ? await readText(request) : '';
      const json = route.body === 'json' ? parseJson(text) : undefined;
      const { signal } = new AbortController();
      return route.handle({ request, method, path: url.pathname, query: url.searchParams, params, text, json, signal });
    };
    await sendReply(response, await answer().catch(errorReply), {}, []).catch(() => true);
  }
}

/** `vision` for a request (or batch line) with photos. */
export function requestKind(text: string): 'vision' | 'translation' {
  return text.includes('"input_image"') ? 'vision' : 'translation';
}

function standardHeaders(requestId: string, started: number): Record<string, string> {
  return {
    'x-request-id': requestId,
    'openai-processing-ms': String(Math.round(performance.now() - started)),
    'openai-version': '2020-10-01',
    'openai-organization': 'org-sandbox',
  };
}

const NO_KEY =
  "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
  '(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.';
