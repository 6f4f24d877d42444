import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Requests whose client sends its body only after it is told to. */
const waiting = new WeakSet<IncomingMessage>();

/** By default Node tells every client to continue. A request that is refused by its headers needs no body. */
export function holdContinues(server: Server): void {
  server.on('checkContinue', (request, response) => {
    waiting.add(request);
    server.emit('request', request, response);
  });
}

/** Tells the client to send its body. Call this before reading the body. */
export function letContinue(request: IncomingMessage, response: ServerResponse): void {
  if (waiting.delete(request)) response.writeContinue();
}
