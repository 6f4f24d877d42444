import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a receiver does with a request; the default answers 204. */
export type Behaviour = (request: ReceivedRequest, response: ServerResponse, index: number) => void;

/** A real HTTP receiver on loopback that keeps everything it got. */
export interface Receiver {
  readonly origin: string;
  readonly requests: ReceivedRequest[];
  behave(behaviour: Behaviour): void;
  /** Resolves once this many requests have come in total. */
  received(count: number): Promise<void>;
  close(): Promise<void>;
}

export const answer204: Behaviour = (_request, response) => void response.writeHead(204).end();

export function answer(status: number, headers: Record<string, string> = {}, body = ''): Behaviour {
  return (_request, response) => void response.writeHead(status, headers).end(body);
}

export async function startReceiver(initial: Behaviour = answer204): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let behaviour = initial;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = { path: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(chunks) };
      requests.push(request);
      for (const waiter of waiting) if (requests.length >= waiter.count) waiter.resolve();
      behaviour(request, response, requests.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    behave: (next) => (behaviour = next),
    received: (count) =>
      requests.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
