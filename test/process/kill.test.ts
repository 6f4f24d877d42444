import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { TestService } from '../support/service.js';
import { generate, kill, Processes } from './processes.js';

/** Polls, serves sandbox and photos, and takes nothing over: the processes under test are the workers. */
let observer: TestService;
let processes: Processes;

beforeAll(async () => {
  observer = await TestService.start({ environment: { ROLE: 'api' } });
  processes = await Processes.of(observer);
});
beforeEach(() => observer.reset());
afterEach(() => processes.killAll());
afterAll(async () => {
  await observer.stop();
});

const ended = (body: JsonObject) => /completed|failed|cancelled/.test(String(body['status']));
const NEVER = { action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses' };

/** The job of a request whose process was killed while the model worked on the `calls`th call. */
async function killDuring(body: JsonObject, headers: Record<string, string>, calls: number): Promise<string> {
  const victim = await processes.start();
  const waiting = generate(victim, body, headers).catch(() => 'cut');
  await observer.callsWhen((all) => all.length === calls);
  // The second call makes a glossary: it begins before the lot is described.
  if (calls > 1) await expect.poll(async () => (await observer.jobOfLot(body))?.['status']).toBe('translating');
  await kill(victim.child);
  expect(await waiting).toBe('cut');
  return String((await observer.jobOfLot(body))?.['id']);
}

describe('kill -9 during a call to the model', () => {
  it('after kill -9 during a call with an Idempotency-Key, the restarted service resumes the job, and the retry gets it', async () => {
    await observer.faults(NEVER);
    const body = observer.request();
    const headers = { 'Idempotency-Key': randomUUID() };
    const jobId = await killDuring(body, headers, 1);
    const next = await processes.start();
    expect(await observer.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    const retry = await generate(next, body, headers);
    expect([retry.status, retry.body['job_id']]).toEqual([200, jobId]);
    expect((await observer.calls()).map(({ outcome }) => outcome)).toEqual(['aborted', 'answered']);
  });

  it('after kill -9 the stored vision answer is not asked for again', async () => {
    await observer.faults({ ...NEVER, model: 'gpt-5.6-luna' });
    const body = observer.request({ languages: ['fi'] });
    const jobId = await killDuring(body, { 'Idempotency-Key': randomUUID() }, 2);
    // The glossary's lease ends with its process, but later than a test waits.
    await observer.db.database.execute('update glossary_makings set due_at = clock_timestamp()');
    await processes.start();
    expect(await observer.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    expect(await observer.callCounts()).toEqual({ vision: 1, translation: 2 });
  });

  it('after kill -9 during a call without a key, the job fails as INTERRUPTED, unpaid, and the next request works', async () => {
    await observer.faults(NEVER);
    const body = observer.request();
    const jobId = await killDuring(body, {}, 1);
    const next = await processes.start();
    expect(await observer.statusWhen(jobId, ended)).toMatchObject({ status: 'failed', error_code: 'INTERRUPTED' });
    expect(await observer.callCounts()).toEqual({ vision: 1, translation: 0 });
    expect((await generate(next, body)).status).toBe(200);
  });
});

describe('SIGTERM during a call to the model', () => {
  it('SIGTERM during a call to the model answers 202, ends with 0, and the next process finishes the job', async () => {
    await observer.faults(NEVER);
    const first = await processes.start({ SHUTDOWN_GRACE: '0.1' });
    const waiting = generate(first, observer.request());
    await observer.callsWhen((all) => all.length === 1);
    const exit = once(first.child, 'exit');
    first.child.kill('SIGTERM');
    const answer = await waiting;
    expect(answer.status).toBe(202);
    expect(await exit).toEqual([0, null]);
    await processes.start();
    const status = await observer.statusWhen(String(answer.body['job_id']), ended);
    expect(status).toMatchObject({ status: 'completed' });
  });
});
