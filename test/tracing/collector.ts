import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { readSpans, type ReceivedSpan } from './otlp.js';

/** Takes what an OTLP exporter sends, as a collector does. */
export class Collector {
  readonly spans: ReceivedSpan[] = [];
  /** All bodies as they came, to look for what must not be in them. */
  readonly bodies: Buffer[] = [];
  readonly headers: NodeJS.Dict<string | string[]>[] = [];

  private constructor(private readonly server: Server) {}

  /** @param port - 0: a free one */
  static async start(port = 0): Promise<Collector> {
    const server = createServer();
    const collector = new Collector(server);
    server.on('request', (request, response) => {
      void buffer(request).then((body) => {
        collector.bodies.push(body);
        collector.headers.push(request.headers);
        collector.spans.push(...readSpans(body));
        response.writeHead(request.url === '/v1/traces' ? 200 : 404).end();
        server.emit('taken');
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves with all spans once `done` is true of them. */
  async when(done: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]> {
    while (!done(this.spans)) await once(this.server, 'taken');
    return this.spans;
  }

  /** Such spans of a name, of one trace if given. */
  named(name: string, traceId?: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name && (traceId === undefined || span.traceId === traceId));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
