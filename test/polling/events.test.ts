import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signJobId } from '../../src/auth/signatures.js';
import { JobWatcher } from '../../src/polling/job-watcher.js';
import { insertJob } from '../jobs/fixtures.js';
import { secretOf, startPollingApp, touch, type PollingApp, type RequestOptions } from './polling-app.js';

interface ServerEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Real: HTTP, guard, PostgreSQL. Faked: nothing. */
describe('GET batch-jobs/{job_id}/events', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp();
  });
  afterAll(() => polling.close());

  const path = (jobId: string) => `/api/v1/batch-jobs/${jobId}/events`;

  async function open(jobId: string, options: RequestOptions = {}, from = polling) {
    const hangUp = new AbortController();
    const response = await from.send(path(jobId), { ...options, signal: hangUp.signal });
    return { response, events: readEvents(response), hangUp: () => hangUp.abort() };
  }

  async function* readEvents(response: Response): AsyncGenerator<ServerEvent, void, undefined> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const fields = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
        text = text.slice(end + 2);
        const data = fields.get('data');
        if (data === undefined) continue;
        yield {
          id: fields.get('id'),
          event: fields.get('event'),
          data: JSON.parse(data) as Record<string, unknown>,
        };
      }
    }
  }

  async function next(events: AsyncGenerator<ServerEvent, void, undefined>): Promise<ServerEvent> {
    const result = await events.next();
    if (result.done === true) throw new Error('the stream has ended');
    return result.value;
  }

  /** The id of an event: the job's version and a fingerprint of the rest. */
  const ofVersion = (version: number): string =>
    expect.stringMatching(new RegExp(`^${version}-[0-9a-f]{16}$`)) as unknown as string;

  it('the event stream of a job tells where the job stands, each change, and its end', async () => {
    const job = await insertJob(polling.db.database, { version: 3 });
    const { response, events } = await open(job.id);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(await next(events)).toMatchObject({ id: ofVersion(3), event: 'progress', data: { job_id: job.id } });
    await touch(polling.db, job.id, 'processed_lots = 1');
    expect(await next(events)).toMatchObject({ id: ofVersion(4), data: { progress: { processed_lots: 1 } } });
    await touch(polling.db, job.id, `processed_lots = 2, status = 'completed', stage = 'done'`);
    const last = await next(events);
    expect(last).toMatchObject({ id: ofVersion(5), event: 'progress', data: { status: 'completed' } });
    expect(await next(events)).toEqual({ ...last, event: 'end' });
    expect((await events.next()).done).toBe(true);
    const status = await polling.json(`/api/v1/batch-status/${job.id}`);
    expect(last.data).toEqual(status.body);
  });

  it('the event stream of a job tells of OpenAI’s counts, though they leave the job’s row alone', async () => {
    const job = await insertJob(polling.db.database, { version: 3 });
    await polling.db.database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
         request_total, next_check_at, created_at)
       values ($1, 'vision', 0, 0, 1, 'acme', 'm', 'watching', 2, now(), now())`,
      [job.id],
    );
    const { events, hangUp } = await open(job.id);
    const first = await next(events);
    await polling.db.database.execute(`update openai_batches set request_completed = 1 where job_id = $1`, [job.id]);
    const second = await next(events);
    expect(second.id).not.toBe(first.id);
    expect(second).toMatchObject({
      id: ofVersion(3),
      data: { openai_batches: [{ request_counts: { completed: 1 } }] },
    });
    hangUp();
  });

  it('the event stream of a job resumes: what the client knows is not told again', async () => {
    const job = await insertJob(polling.db.database, { version: 7 });
    const fresh = await open(job.id);
    const { id } = await next(fresh.events);
    fresh.hangUp();
    const headers = { 'Last-Event-ID': id as string };
    const known = await open(job.id, { headers });
    const first = next(known.events);
    await touch(polling.db, job.id);
    expect(await first).toMatchObject({ id: ofVersion(8) });
    known.hangUp();
    const behind = await open(job.id, { headers });
    expect(await next(behind.events)).toMatchObject({ id: ofVersion(8) });
    behind.hangUp();
  });

  it('the event stream of a job tells a client that knows the end not to come back', async () => {
    const job = await insertJob(polling.db.database, { status: 'cancelled', version: 9 });
    const { response, events } = await open(job.id);
    expect(response.status).toBe(200);
    const [progress, end] = [await next(events), await next(events)];
    expect(progress).toMatchObject({ id: ofVersion(9), event: 'progress' });
    expect(end).toEqual({ ...progress, event: 'end' });
    const headers = { 'Last-Event-ID': end.id as string };
    expect((await open(job.id, { headers })).response.status).toBe(204);
    // Deliveries go on after the job's end. If each of them counted as a change, a client would connect again and
    // again.
    await polling.db.database.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, next_attempt_at, created_at)
       values (gen_random_uuid(), $1, 'acme', 'https://client.test', 'https://client.test/', 'batch_job_cancelled', now(), now())`,
      [job.id],
    );
    expect((await open(job.id, { headers })).response.status).toBe(204);
  });

  it('the event stream of a job is for the key that the job belongs to, signed by scheme 1', async () => {
    const job = await insertJob(polling.db.database);
    expect((await polling.json(path(job.id), { keyId: 'beta' })).body).toMatchObject({ code: 'JOB_NOT_FOUND' });
    const headers = { 'X-Signature': signJobId(secretOf('acme'), job.id) };
    expect((await fetch(polling.origin + path(job.id), { headers })).status).toBe(403);
  });

  it('event streams are kept to ten a key, and one that hung up frees its place', async () => {
    const job = await insertJob(polling.db.database);
    const foreign = await insertJob(polling.db.database, { keyId: 'beta' });
    const streams = await Promise.all(Array.from({ length: 10 }, () => open(job.id)));
    const refused = await polling.send(path(job.id));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('30');
    expect(await refused.json()).toMatchObject({ code: 'RATE_LIMITED' });
    const other = await open(foreign.id, { keyId: 'beta' });
    expect(other.response.status).toBe(200);
    other.hangUp();
    await Promise.all(streams.map(({ events }) => next(events)));
    const watcher = polling.app.get(JobWatcher);
    const waitForChange = watcher.waitForChange.bind(watcher);
    const freed = new Promise<void>((resolve) => {
      // The stream's next wait is the one that its hang-up cuts short.
      watcher.waitForChange = async (...args) => {
        const changed = await waitForChange(...args);
        if (args[2].signal.aborted) setImmediate(resolve);
        return changed;
      };
    });
    await touch(polling.db, job.id);
    await Promise.all(streams.map(({ events }) => next(events)));
    streams[0]?.hangUp();
    await freed;
    watcher.waitForChange = waitForChange;
    const again = await open(job.id);
    expect(again.response.status).toBe(200);
    for (const stream of [...streams, again]) stream.hangUp();
  });

  it('event streams end when the process ends, so that the server can close', async () => {
    const ending = await startPollingApp();
    const job = await insertJob(ending.db.database);
    const { events } = await open(job.id, {}, ending);
    await next(events);
    const closed = ending.app.close();
    expect((await events.next()).done).toBe(true);
    await closed;
    await ending.db.drop();
  });
});
