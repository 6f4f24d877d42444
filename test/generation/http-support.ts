import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { ServiceError } from '../../src/common/service-error.js';

/** A real HTTP server on loopback that answers `work`'s outcome, or the code of its ServiceError. */
export async function serve(work: (request: IncomingMessage) => Promise<unknown>): Promise<Server & { port: number }> {
  const server = createServer((request, response) => {
    work(request).then(
      (outcome) => response.end(JSON.stringify(outcome)),
      (error: unknown) => {
        const code = error instanceof ServiceError ? error.code : `not a ServiceError: ${String(error)}`;
        const text = JSON.stringify({ code });
        response.statusCode = error instanceof ServiceError ? error.status : 500;
        response.setHeader('Content-Length', text.length);
        response.write(text);
        // Closing over unread bytes resets the connection, and the client may lose the answer.
        request.resume().on('close', () => response.end());
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly json: Record<string, unknown>;
}

/** Sends exactly these headers and bytes: no client adds, joins or repairs anything. */
export async function sendRaw(port: number, head: string[], body: Buffer | string = ''): Promise<RawAnswer> {
  const socket = openRaw(port, [...head, 'Connection: close'], body);
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => {
    parts.push(part);
    if (isWhole(Buffer.concat(parts).toString('latin1'))) socket.destroy();
  });
  await once(socket, 'close');
  const answer = Buffer.concat(parts).toString('utf8');
  const split = answer.indexOf('\r\n\r\n');
  const text = answer.slice(split + 4);
  return {
    status: Number(answer.split(' ')[1]),
    headers: answer.slice(0, split).toLowerCase(),
    json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text },
  };
}

function isWhole(answer: string): boolean {
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(answer)?.[1];
  return length !== undefined && answer.length - (answer.indexOf('\r\n\r\n') + 4) >= Number(length);
}

/** Sends the same and leaves the connection to the test. */
export function openRaw(port: number, head: string[], body: Buffer | string = ''): Socket {
  const socket = connect(port, '127.0.0.1');
  // A refused upload may be reset while its rest is being sent. Only what came before that counts.
  socket.on('error', () => undefined);
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  if (body.length > 0) socket.write(body);
  return socket;
}

export function post(body: Buffer | string, ...headers: string[]): [head: string[], body: Buffer | string] {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return [['POST /x HTTP/1.1', 'Host: h', length, ...headers], body];
}

/** Waits turn by turn of the event loop until `done`, because no event shows what the server does with a connection. */
export async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
}
