import { Injectable } from '@nestjs/common';
import type { Server } from 'node:http';
import type { Response } from 'express';

/**
 * Whether this process is about to end, and what its connections are told of it. A proxy keeps connections and sends the
 * next request on one of them. If the process closes it at that moment, nobody can tell whether the request arrived.
 * So, from the signal on, each answer says that its connection closes, while new connections are still taken; when the
 * process stops taking them, the proxy has none left that is idle.
 */
@Injectable()
export class Leaving {
  /** Made with the first request: Nest's preview, which the documents are made from, constructs nothing. */
  private unanswered: Set<Response> | undefined;
  private begun: boolean | undefined;

  get hasBegun(): boolean {
    return this.begun === true;
  }

  begin(): void {
    this.begun = true;
    for (const response of this.unanswered ?? []) sayClose(response);
    this.unanswered = undefined;
  }

  /** Call once for each request, before anything of its answer is sent. */
  watch(response: Response): void {
    if (this.hasBegun) return sayClose(response);
    this.unanswered ??= new Set();
    this.unanswered.add(response);
    response.once('close', () => this.unanswered?.delete(response));
  }
}

function sayClose(response: Response): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

/**
 * Takes no new connection from now on; requests in flight go on. Nest closes the server once more, later, and would
 * not wait for the answers under way if it found it closed already.
 */
export function takeNoConnection(server: Server): void {
  let closed = false;
  server.close(() => (closed = true));
  server.close = (done) => {
    if (done === undefined) return server;
    if (closed) done();
    else server.once('close', done);
    return server;
  };
}
