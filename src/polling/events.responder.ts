import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { hangUpSignal } from '../common/hang-up-signal.js';
import { EventSink } from './event-sink.js';
import { EventsService } from './events.service.js';

/** Answers with a stream of events, or with the 204 that tells an EventSource not to connect again. */
@Injectable()
export class EventsResponder {
  constructor(private readonly events: EventsService) {}

  async answer(request: Request, response: Response, jobId: string): Promise<void> {
    const streamed = await this.events.stream(
      {
        jobId,
        keyId: signedCallerOf(request).keyId,
        lastEventId: request.get('last-event-id'),
        signal: hangUpSignal(response),
      },
      new EventSink(response),
    );
    if (!streamed) response.status(204).end();
  }
}
