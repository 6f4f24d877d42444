import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Behaviour = (response: ServerResponse, request: StubRequest) => void;

/** A server in OpenAI's place. It answers each request with the next given behaviour, and counts what arrives. */
export class OpenAiStub {
  readonly requests: StubRequest[] = [];
  private readonly events = new EventEmitter();
  private readonly queue: Behaviour[] = [];
  private readonly sockets = new Set<Socket>();
  private usual: Behaviour = json(200, completed());
  private closed = 0;

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => {
        this.sockets.delete(socket);
        this.closed += 1;
        this.events.emit('change');
      });
      socket.on('error', () => undefined);
    });
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => undefined);
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        const seen = { method, path, headers, body: Buffer.concat(chunks) };
        this.requests.push(seen);
        (this.queue.shift() ?? this.usual)(response, seen);
        this.events.emit('change');
      });
    });
  }

  static async start(): Promise<OpenAiStub> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OpenAiStub(server);
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Behaviours of the next requests; after them comes that of `always`. */
  next(...behaviours: Behaviour[]): void {
    this.queue.push(...behaviours);
  }

  always(behaviour: Behaviour): void {
    this.usual = behaviour;
  }

  async arrived(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.events, 'change');
  }

  async connectionsClosed(count: number): Promise<void> {
    while (this.closed < count) await once(this.events, 'change');
  }

  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    if (this.server.listening) await once(this.server, 'close');
  }
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_stub', ...headers });
    response.end(JSON.stringify(body));
  };
}

export function apiError(
  status: number,
  error: { code?: string; message?: string; type?: string; param?: string },
  headers: Record<string, string> = {},
): Behaviour {
  return json(status, { error: { message: 'something', type: 'error', param: null, code: null, ...error } }, headers);
}

/** Takes the request and never answers. */
export const silence: Behaviour = () => undefined;

/** Cuts the connection instead of answering. */
export const hangUp: Behaviour = (response) => response.socket?.destroy();

/** Begins a JSON body and stops. */
export const stalledBody: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"status":"completed","output":');
};

/** Promises a long body and cuts the connection in it. */
export const cutBody: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"status":"completed","output":', () => response.socket?.destroy());
};

export const html: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'text/html', 'x-request-id': 'req_html' });
  response.end('<html>maintenance</html>');
};

/** A Response object as OpenAI sends it, with its most important members. */
export function completed(text = 'hello'): Record<string, unknown> {
  return {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    error: null,
    model: 'gpt-test',
    output: [{ type: 'message', content: [{ type: 'output_text', text }] }],
    usage: {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 40 },
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 5 },
    },
  };
}
