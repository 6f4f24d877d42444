import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from 'openai-sandbox';

/** A call and its answer, as OpenAI bills it. */
export interface Billed {
  readonly model: string;
  readonly input: number;
  /** The part of the input that was cached; it has its own price. */
  readonly cached: number;
  readonly written: number;
  readonly output: number;
  readonly batch: boolean;
}

/**
 * A proxy between the service and the sandbox. It can change any member of a model's answer. It counts every answer on
 * its own bill, even one that never reaches the service.
 */
export class AnswerProxy {
  /** The sandbox's base URL; set before the first request. */
  target = '';
  /** Changes the body of a Response; `where` is the custom_id of its line, or `direct-` and the lot that the first photo is of. */
  answer: (body: JsonObject, where: string) => JsonObject = (body) => body;
  /** Changes the whole line of a batch's file, or replaces it by another text. With no text, the line is missing. */
  line: (line: JsonObject) => JsonObject | string = (line) => line;
  /** Makes each answer as long as allowed, with a usage that says so. */
  greedy = false;
  /** What happens to a direct answer that was made and is billed: it is sent, or the connection breaks. */
  breaksDirect: (call: number) => boolean = () => false;
  readonly bill: Billed[] = [];
  directCalls = 0;
  /** Direct vision calls by lot. */
  readonly callsOfLots = new Map<string, number>();
  /** `max_output_tokens` of each request that was sent. */
  readonly rooms: number[] = [];
  private readonly requests = new Map<string, JsonObject>();
  private readonly billedLines = new Set<string>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<AnswerProxy> {
    const server = createServer();
    const proxy = new AnswerProxy(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      proxy.handle(request, response).catch(() => response.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** USD by the given prices for a million tokens. */
  usd(prices: Readonly<Record<string, { input: number; cachedInput: number; output: number }>>): number {
    return this.bill.reduce((sum, { model, input, cached, written, output, batch }) => {
      const price = prices[model];
      if (price === undefined) throw new Error(`no price of ${model}`);
      const full = (input - cached + 0.25 * written) * price.input + cached * price.cachedInput + output * price.output;
      return sum + (full / 1e6) * (batch ? 0.5 : 1);
    }, 0);
  }

  /** How many lines each lot was sent in. */
  linesOfLots(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const id of this.requests.keys()) {
      const lot = id.slice(0, id.indexOf('-'));
      counts.set(lot, (counts.get(lot) ?? 0) + 1);
    }
    return counts;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const path = (request.url ?? '').replace(/^\/v1/, '');
    const direct = request.method === 'POST' && path === '/responses';
    if (request.method === 'POST' && path === '/files') this.noteRequests(body.toString());
    const headers = new Headers();
    for (const name of ['authorization', 'content-type', 'range', 'openai-project']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    const answer = await fetch(this.target + path, {
      method: request.method ?? 'GET',
      headers,
      ...(body.length === 0 ? {} : { body }),
    });
    let text = await answer.text();
    if (direct) this.directCalls += 1;
    if (direct && answer.ok) {
      text = this.direct(text, JSON.parse(body.toString()) as JsonObject);
      if (this.breaksDirect(this.directCalls)) {
        response.destroy();
        return;
      }
    }
    if (/^\/files\/[^/]+\/content/.test(path) && answer.ok) text = this.lines(text);
    const type = answer.headers.get('content-type') ?? 'application/json';
    response.writeHead(answer.status, { 'content-type': type }).end(text);
  }

  private direct(text: string, request: JsonObject): string {
    const body = this.change(JSON.parse(text) as JsonObject, request);
    this.count(body, request, false);
    const lot = /\/lot(\d+)-/.exec(JSON.stringify(request['input']))?.[1] ?? '';
    this.callsOfLots.set(lot, (this.callsOfLots.get(lot) ?? 0) + 1);
    return JSON.stringify(this.answer(body, `direct-${lot}`));
  }

  private lines(text: string): string {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((json) => {
        const line = JSON.parse(json) as JsonObject & { response: JsonObject | null };
        const id = String(line['custom_id']);
        const request = this.requests.get(id);
        const response = line.response;
        if (request !== undefined && response?.['status_code'] === 200) {
          const body = this.change(response['body'] as JsonObject, request);
          if (!this.billedLines.has(id)) this.count(body, request, true);
          this.billedLines.add(id);
          response['body'] = this.answer(body, id);
        }
        const changed = this.line(line);
        return typeof changed === 'string' ? changed : JSON.stringify(changed);
      })
      .filter((line) => line !== '')
      .map((line) => `${line}\n`)
      .join('');
  }

  private change(body: JsonObject, request: JsonObject): JsonObject {
    if (!this.greedy) return body;
    const usage = body['usage'] as JsonObject;
    return { ...body, usage: { ...usage, output_tokens: request['max_output_tokens'] as number } };
  }

  private count(body: JsonObject, request: JsonObject, batch: boolean): void {
    const usage = body['usage'] as {
      input_tokens: number;
      input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
      output_tokens: number;
    };
    this.rooms.push(request['max_output_tokens'] as number);
    this.bill.push({
      model: String(request['model']),
      input: usage.input_tokens,
      cached: usage.input_tokens_details.cached_tokens,
      written: usage.input_tokens_details.cache_write_tokens,
      output: usage.output_tokens,
      batch,
    });
  }

  private noteRequests(upload: string): void {
    for (const json of upload.split(/\r?\n/).filter((line) => line.startsWith('{"custom_id"'))) {
      const { custom_id, body } = JSON.parse(json) as { custom_id: string; body: JsonObject };
      this.requests.set(custom_id, body);
    }
  }
}
