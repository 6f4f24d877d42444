import type { Response } from 'express';
import { drained } from './client-connection.js';

/** A stream of server-sent events on an answer. */
export class EventSink {
  constructor(private readonly response: Response) {}

  open(): void {
    this.response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Without this nginx collects events until its buffer is full.
      'X-Accel-Buffering': 'no',
    });
    this.response.flushHeaders();
  }

  /** Resolves when the client can take more, so that a slow client gets fewer snapshots instead of a growing queue. */
  async send(text: string): Promise<void> {
    if (!this.response.destroyed && !this.response.write(text)) await drained(this.response, this.response);
  }

  end(): void {
    this.response.end();
  }
}
