import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Requests whose client sends its body only once it is told to. */
const waiting = new WeakSet<IncomingMessage>();

/** Node would tell every client to go on; a request that is refused by its headers needs no body. */
export function holdContinues(server: Server): void {
  server.on('checkContinue', (request, response) => {
    waiting.add(request);
    server.emit('request', request, response);
  });
}

/** To be called by whoever is going to read the body, before it does. */
export function letContinue(request: IncomingMessage, response: ServerResponse): void {
  if (waiting.delete(request)) response.writeContinue();
}
