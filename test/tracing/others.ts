import { once } from 'node:events';
import { createServer, request as send, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request that reached one of the others. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** The servers that the service talks to, which keep the headers that it sends: a host of photos, a receiver, OpenAI's door. */
export class Others {
  readonly photos: Seen[] = [];
  readonly webhooks: Seen[] = [];
  readonly openAi: Seen[] = [];
  private readonly servers: Server[] = [];
  private constructor() {}

  /** @param sandbox - the base URL that OpenAI's door leads to */
  static async start(photo: Buffer, sandbox: string): Promise<Others> {
    const others = new Others();
    const host = createServer(({ method = '', url = '', headers }, response) => {
      others.photos.push({ method, url, headers });
      response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': photo.length });
      response.end(method === 'HEAD' ? undefined : photo);
    });
    const receiver = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      void text(request).then(() => {
        others.webhooks.push({ method, url, headers });
        response.writeHead(204).end();
      });
    });
    const target = new URL(sandbox);
    const door = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      others.openAi.push({ method, url, headers });
      const upstream = send({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      request.pipe(upstream);
    });
    for (const server of [host, receiver, door]) {
      others.servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return others;
  }

  /** Addresses with a token where real ones have it: in path and query. */
  photoUrl(name: string): string {
    return `${this.originOf(0)}/signed-path-token/${name}.jpg?X-Signature=photo-query-token`;
  }

  get webhookUrl(): string {
    return `${this.originOf(1)}/hook-path-token?key=hook-query-token`;
  }

  get openAiUrl(): string {
    return `${this.originOf(2)}/v1`;
  }

  stop(): void {
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  private originOf(index: number): string {
    return `http://127.0.0.1:${((this.servers[index] as Server).address() as AddressInfo).port}`;
  }
}
