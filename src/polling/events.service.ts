import { Injectable } from '@nestjs/common';
import { OpenStreams } from '../auth/limits/open-streams.js';
import { isTerminal } from '../jobs/states.js';
import { JobStatusStore, type JobState } from '../jobs/job-status-store.js';
import { JobWatcher } from './job-watcher.js';
import { StatusService } from './status.service.js';

/** The pause between keep-alive comments: shorter than the minute after which proxies close a silent connection. */
const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 3000;
/**
 * How long a stream lasts at most. A proxy that goes on to take what is sent, though its client is gone, would keep one of the key's
 * places until the job's end. A client that is there connects again by itself, and is not sent what it has.
 */
const MOST_MS = 3_600_000;

/** Where events go. */
export interface EventTarget {
  open(): void;
  /** Resolves when there is room for more. */
  send(text: string): Promise<void>;
  end(): void;
}

export interface EventsRequest {
  readonly jobId: string;
  readonly keyId: string;
  /** The id of the last event that the client has. */
  readonly lastEventId: string | undefined;
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
}

/**
 * A job's status as server-sent events. Each event is a snapshot whose id is its tag. So a client that connects again
 * is not sent what it already has, and one that was away still gets the present state.
 */
@Injectable()
export class EventsService {
  constructor(
    private readonly states: JobStatusStore,
    private readonly statuses: StatusService,
    private readonly watcher: JobWatcher,
    private readonly streams: OpenStreams,
  ) {}

  /**
   * Streams until the job has ended, the client disconnects, an hour is over or the process is ending.
   * @returns false when there is nothing to stream because the client already knows the job's end
   * @throws ServiceError JOB_NOT_FOUND, RATE_LIMITED (before anything is sent)
   */
  async stream(request: EventsRequest, target: EventTarget): Promise<boolean> {
    const first = await this.states.find(request.jobId, request.keyId);
    if (isTerminal(first.status) && versionOf(request.lastEventId) === first.version) return false;
    const close = await this.streams.open(request.keyId);
    try {
      target.open();
      await target.send(`retry: ${RECONNECT_MS}\n\n`);
      await this.follow(first, request, target);
      target.end();
      return true;
    } finally {
      close();
    }
  }

  private async follow(first: JobState, request: EventsRequest, target: EventTarget): Promise<void> {
    const { signal } = request;
    const hour = AbortSignal.timeout(MOST_MS);
    let state = first;
    let known = request.lastEventId;
    while (!signal.aborted && !hour.aborted) {
      if (known !== state.tag) {
        await target.send(event('progress', state.tag, await this.statuses.render(state)));
        known = state.tag;
      }
      if (isTerminal(state.status)) {
        await target.send(event('end', state.tag, await this.statuses.render(state)));
        return;
      }
      const changed = await this.watcher.waitForChange(state.id, state.tag, { timeoutMs: HEARTBEAT_MS, signal });
      if (this.watcher.closing) return;
      if (changed) state = await this.states.find(state.id, request.keyId);
      else if (!signal.aborted) await target.send(': heartbeat\n\n');
    }
  }
}

/**
 * The part of an event's id that stands for the job's own row. Deliveries continue after the job's end, but no event
 * reports them.
 */
function versionOf(eventId: string | undefined): number {
  return Number(eventId?.split('-', 1)[0]);
}

function event(name: 'progress' | 'end', id: string, data: string): string {
  return `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`;
}
