import { describe, expect, it, vi } from 'vitest';
import type { OpenStreams } from '../../src/auth/limits/open-streams.js';
import { EventsService, type EventTarget } from '../../src/polling/events.service.js';
import type { JobState, JobStatusStore } from '../../src/jobs/job-status-store.js';
import type { JobWatcher } from '../../src/polling/job-watcher.js';
import type { StatusService } from '../../src/polling/status.service.js';

/** Faked: the job's rows, the waiting and the connection. */
describe('EventsService', () => {
  const job = (version: number, status: JobState['status']) =>
    ({ id: 'j', version, tag: `${version}-f`, status }) as JobState;

  /** Streams `jobs` one after the other; a wait that ends in `false` is one in which nothing changed. */
  async function stream(jobs: JobState[], waits: boolean[], onSend: (text: string) => void = () => undefined) {
    const sent: string[] = [];
    const target: EventTarget = {
      open: () => sent.push('open'),
      send: (text) => {
        sent.push(text);
        onSend(text);
        return Promise.resolve();
      },
      end: () => sent.push('closed'),
    };
    const hangUp = new AbortController();
    const watcher = {
      closing: false,
      waitForChange: () => {
        const changed = waits.shift();
        if (changed === undefined) hangUp.abort();
        return Promise.resolve(changed ?? false);
      },
    };
    const service = new EventsService(
      { find: () => Promise.resolve(jobs.shift()) } as unknown as JobStatusStore,
      { render: ({ version }: JobState) => `{"v":${version}}` } as unknown as StatusService,
      watcher as unknown as JobWatcher,
      { open: () => Promise.resolve(() => undefined) } as unknown as OpenStreams,
    );
    await service.stream({ jobId: 'j', keyId: 'k', lastEventId: undefined, signal: hangUp.signal }, target);
    return sent;
  }

  it('EventsService sends a comment whenever nothing has changed for a while, so that no proxy cuts the stream', async () => {
    expect(await stream([job(1, 'processing'), job(2, 'completed')], [false, false, true])).toEqual([
      'open',
      'retry: 3000\n\n',
      'id: 1-f\nevent: progress\ndata: {"v":1}\n\n',
      ': heartbeat\n\n',
      ': heartbeat\n\n',
      'id: 2-f\nevent: progress\ndata: {"v":2}\n\n',
      'id: 2-f\nevent: end\ndata: {"v":2}\n\n',
      'closed',
    ]);
  });

  it('EventsService ends a stream after an hour, so that a proxy whose client is gone keeps no place', async () => {
    const hour = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(hour.signal);
    const waits = [false, false, false];
    const beats = (text: string) => {
      if (text === ': heartbeat\n\n' && waits.length === 1) hour.abort();
    };
    const sent = await stream([job(1, 'processing')], waits, beats);
    expect(timeout).toHaveBeenCalledWith(3_600_000);
    timeout.mockRestore();
    expect(sent.slice(-3)).toEqual([': heartbeat\n\n', ': heartbeat\n\n', 'closed']);
    expect(waits).toHaveLength(1);
  });

  it('EventsService sends nothing more to a client that hung up', async () => {
    expect(await stream([job(1, 'processing')], [])).toEqual([
      'open',
      'retry: 3000\n\n',
      'id: 1-f\nevent: progress\ndata: {"v":1}\n\n',
      'closed',
    ]);
  });
});
