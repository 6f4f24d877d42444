import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { sign } from '../../../scripts/sign.mjs';

export const SECRET = 'test-shared-key-0123456789abcdef-not-secret';

export interface Received {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  /** Decoded. */
  readonly body: string;
}

export type Step = (response: ServerResponse, request: Received) => void;

/** Answers each request by the next step. One that is not signed as docs/signing.md says gets a 403 instead. */
export class ScriptedServer {
  readonly received: Received[] = [];
  /** What a browser is shown, by path; it takes no step. */
  readonly pages = new Map<string, { type: string; text: string }>();

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly url: string,
  ) {}

  static async start(...steps: Step[]): Promise<ScriptedServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const scripted = new ScriptedServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => void scripted.answer(request, response, steps));
    return scripted;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse, steps: Step[]): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();
    const { method = '', url: target = '', headers } = request;
    const page = this.pages.get(target);
    if (page !== undefined) return void response.writeHead(200, { 'Content-Type': page.type }).end(page.text);
    const received = { method, target, headers, body };
    this.received.push(received);
    const expected = sign(SECRET, method, target, body, Number(headers['x-timestamp']));
    if (headers['x-signature'] !== expected['X-Signature']) return refuse(403, 'INVALID_SIGNATURE')(response, received);
    const step = steps.shift();
    if (step === undefined) return refuse(500, 'NO_STEP_LEFT')(response, received);
    step(response, received);
  }
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Step {
  return (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

export function refuse(status: number, code: string, headers: Record<string, string> = {}): Step {
  const answer = { error: 'refused', message: 'Do it otherwise.', code, details: { field: 'x' }, request_id: 'req-1' };
  return json(status, answer, headers);
}

export const cutConnection: Step = (response) => void response.destroy();

/** Sends `text` and breaks the connection, or ends properly; `next` is the cursor of the next page. */
export function stream(text: string, { cut, next }: { cut: boolean; next?: string }): Step {
  return (response) => {
    const cursor = next === undefined ? {} : { 'X-Next-Cursor': next };
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson', ...cursor });
    response.write(text, () => (cut ? response.destroy() : response.end()));
  };
}

export const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
