import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobWatcher } from '../../src/polling/job-watcher.js';
import { insertJob } from '../jobs/fixtures.js';
import { startPollingApp, touch, type PollingApp } from './polling-app.js';

/** Real: HTTP, guard, PostgreSQL. Faked: nothing. */
describe('the changes of batch-status', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp({ RATE_LIMIT_POLLING: '500' });
  });
  afterAll(() => polling.close());

  const path = (jobId: string) => `/api/v1/batch-status/${jobId}`;

  /** The tag that a client knows the job by. */
  async function etagOf(jobId: string): Promise<string> {
    const response = await polling.send(path(jobId));
    await response.arrayBuffer();
    return response.headers.get('etag') as string;
  }

  /** A shard under watch and a delivery that waits. */
  async function insertWork(jobId: string): Promise<void> {
    const { database } = polling.db;
    await database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status, batch_id,
         upstream_status, request_total, next_check_at, created_at, submitted_at)
       values ($1, 'vision', 0, 0, 1, 'acme', 'm', 'watching', 'batch_1', 'in_progress', 2, now(), now(), now())`,
      [jobId],
    );
    await database.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, next_attempt_at, created_at)
       values (gen_random_uuid(), $1, 'acme', 'https://client.test', 'https://client.test/hook', 'batch_job_completed',
         now(), now())`,
      [jobId],
    );
  }

  describe('with If-None-Match', () => {
    it('a status with If-None-Match is 304 without a body and without cost until something changes', async () => {
      const job = await insertJob(polling.db.database);
      const first = await polling.send(path(job.id));
      const remaining = Number(first.headers.get('x-ratelimit-remaining'));
      const headers = { 'If-None-Match': first.headers.get('etag') as string };
      for (let i = 0; i < 3; i++) {
        const unchanged = await polling.send(path(job.id), { headers });
        expect(unchanged.status).toBe(304);
        expect(unchanged.headers.get('etag')).toBe(headers['If-None-Match']);
        expect(await unchanged.text()).toBe('');
      }
      await touch(polling.db, job.id, 'processed_lots = 1');
      const changed = await polling.send(path(job.id), { headers });
      expect(changed.status).toBe(200);
      expect(changed.headers.get('x-ratelimit-remaining')).toBe(String(remaining - 1));
      expect(await changed.json()).toMatchObject({ progress: { processed_lots: 1 } });
    });

    // None of these raises the job's version: the rooms that write them do not touch its row.
    it.each([
      [
        'the counts of an OpenAI batch',
        `update openai_batches set request_completed = 1 where job_id = $1`,
        { openai_batches: [expect.objectContaining({ request_counts: { total: 2, completed: 1, failed: 0 } })] },
      ],
      [
        'the state of an OpenAI batch',
        `update openai_batches set upstream_status = 'finalizing' where job_id = $1`,
        { openai_batches: [expect.objectContaining({ openai_status: 'finalizing' })] },
      ],
      [
        'the reason why a shard waits',
        `update openai_batches set status = 'paused', reason = 'insufficient_quota' where job_id = $1`,
        { openai_batches: [expect.objectContaining({ status: 'paused', reason: 'insufficient_quota' })] },
      ],
      [
        'a delivery',
        `update webhook_deliveries set status = 'delivered' where job_id = $1`,
        { webhooks: { pending: 0, in_flight: 0, delivered: 1, failed: 0, superseded: 0 } },
      ],
      [
        'usage that still comes',
        `insert into job_usage (job_id, stage, model, calls) values ($1, 'vision', 'm', 7)`,
        { usage: expect.objectContaining({ by_stage: [expect.objectContaining({ calls: 7 })] }) },
      ],
    ])(
      'a status with If-None-Match is answered anew at once when %s changed and the job’s row did not',
      async (_what, change, shown) => {
        const job = await insertJob(polling.db.database, { status: 'completed', stage: 'done' });
        await insertWork(job.id);
        const headers = { 'If-None-Match': await etagOf(job.id) };
        expect((await polling.send(path(job.id), { headers })).status).toBe(304);
        await polling.db.database.execute(change, [job.id]);
        const changed = await polling.send(path(job.id), { headers });
        expect(changed.status).toBe(200);
        expect(changed.headers.get('etag')).not.toBe(headers['If-None-Match']);
        expect(await changed.json()).toMatchObject(shown);
      },
    );

    it('a status keeps its tag while what it does not show changes', async () => {
      const job = await insertJob(polling.db.database);
      await insertWork(job.id);
      const headers = { 'If-None-Match': await etagOf(job.id) };
      await polling.db.database.execute(
        `update openai_batches set next_check_at = now(), lock_token = gen_random_uuid() where job_id = $1`,
        [job.id],
      );
      await polling.db.database.execute(`update webhook_deliveries set attempts = 1 where job_id = $1`, [job.id]);
      expect((await polling.send(path(job.id), { headers })).status).toBe(304);
    });

    it('a status with If-None-Match gives another key a 404, never a 304', async () => {
      const job = await insertJob(polling.db.database);
      const headers = { 'If-None-Match': await etagOf(job.id) };
      expect((await polling.send(path(job.id), { keyId: 'beta', headers })).status).toBe(404);
      expect((await polling.send(path(job.id), { keyId: 'beta', headers: { 'If-None-Match': '*' } })).status).toBe(404);
    });
  });

  describe('with Prefer: wait', () => {
    /** Resolves once a request waits for a change. */
    async function waiting(jobId: string): Promise<void> {
      const watcher = polling.app.get(JobWatcher);
      const waitForChange = watcher.waitForChange.bind(watcher);
      await new Promise<void>((resolve) => {
        watcher.waitForChange = (id, ...rest) => {
          const wait = waitForChange(id, ...rest);
          if (id === jobId) resolve();
          return wait;
        };
      });
      watcher.waitForChange = waitForChange;
    }

    it('a status with Prefer: wait answers when the job changes', async () => {
      const job = await insertJob(polling.db.database);
      const waits = waiting(job.id);
      const answer = polling.send(path(job.id), { headers: { Prefer: 'wait=25' } });
      await waits;
      await touch(polling.db, job.id, 'processed_lots = 2');
      const response = await answer;
      expect(response.status).toBe(200);
      expect(response.headers.get('preference-applied')).toBe('wait=25');
      expect(response.headers.get('etag')).toContain(`${job.id}-2-`);
      expect(await response.json()).toMatchObject({ progress: { processed_lots: 2 } });
    });

    it('a status with Prefer: wait answers when OpenAI’s counts change, though the job’s row does not', async () => {
      const job = await insertJob(polling.db.database);
      await insertWork(job.id);
      const waits = waiting(job.id);
      const answer = polling.send(path(job.id), { headers: { Prefer: 'wait=25' } });
      await waits;
      await polling.db.database.execute(`update openai_batches set request_completed = 2 where job_id = $1`, [job.id]);
      expect(await (await answer).json()).toMatchObject({ openai_batches: [{ request_counts: { completed: 2 } }] });
    });

    it('a status with Prefer: wait answers 304 when nothing changed in time, and 404 when the job went', async () => {
      const job = await insertJob(polling.db.database);
      const headers = { Prefer: 'wait=1', 'If-None-Match': await etagOf(job.id) };
      expect((await polling.send(path(job.id), { headers })).status).toBe(304);
      const waits = waiting(job.id);
      const answer = polling.send(path(job.id), { headers: { ...headers, Prefer: 'wait=20' } });
      await waits;
      await polling.db.database.execute('delete from batch_jobs where id = $1', [job.id]);
      expect((await answer).status).toBe(404);
    });

    it('a status with Prefer: wait answers at once when the client is behind, or the job has ended', async () => {
      const running = await insertJob(polling.db.database, { version: 5 });
      const ended = await insertJob(polling.db.database, { status: 'completed' });
      const behind = { Prefer: 'wait=25', 'If-None-Match': await etagOf(running.id) };
      await touch(polling.db, running.id);
      const known = { Prefer: 'wait=25', 'If-None-Match': await etagOf(ended.id) };
      const watcher = polling.app.get(JobWatcher);
      const waitForChange = watcher.waitForChange.bind(watcher);
      watcher.waitForChange = () => Promise.reject(new Error('there is nothing to wait for'));
      try {
        expect((await polling.send(path(running.id), { headers: behind })).status).toBe(200);
        expect((await polling.send(path(ended.id), { headers: known })).status).toBe(304);
      } finally {
        watcher.waitForChange = waitForChange;
      }
    });

    it('a status with Prefer: wait stops waiting when the client hangs up', async () => {
      const job = await insertJob(polling.db.database);
      const watcher = polling.app.get(JobWatcher);
      const waitForChange = watcher.waitForChange.bind(watcher);
      const hangUp = new AbortController();
      const ended = new Promise<boolean>((resolve) => {
        watcher.waitForChange = (...args) => {
          const wait = waitForChange(...args);
          wait.then(resolve, resolve);
          hangUp.abort();
          return wait;
        };
      });
      const request = polling.send(path(job.id), { headers: { Prefer: 'wait=25' }, signal: hangUp.signal });
      await expect(request).rejects.toThrow();
      watcher.waitForChange = waitForChange;
      await expect(ended).resolves.toBe(false);
    });

    it('a status with Prefer: wait answers with what there is when the process ends', async () => {
      const ending = await startPollingApp();
      try {
        const job = await insertJob(ending.db.database);
        const watcher = ending.app.get(JobWatcher);
        const waitForChange = watcher.waitForChange.bind(watcher);
        const waits = new Promise<void>((resolve) => {
          watcher.waitForChange = (...args) => {
            const wait = waitForChange(...args);
            resolve();
            return wait;
          };
        });
        const answer = ending.send(path(job.id), { headers: { Prefer: 'wait=25', Connection: 'close' } });
        await waits;
        watcher.onModuleDestroy();
        expect((await answer).status).toBe(200);
        expect(watcher.closing).toBe(true);
      } finally {
        await ending.close();
      }
    });
  });
});
