import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signJobId } from '../../src/auth/signatures.js';
import { JobPauses } from '../../src/batch/shards/job-pauses.js';
import { JobEnder } from '../../src/jobs/job-ender.js';
import { JobStore } from '../../src/jobs/job-store.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { secretOf, startPollingApp, type PollingApp } from './polling-app.js';

/** Real: HTTP, guard, PostgreSQL, the end of jobs with its outbox. Faked: nothing. */
describe('POST batch-jobs/{job_id}/pause and /resume', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp({ RATE_LIMIT_POLLING: '500' });
  });
  afterAll(() => polling.close());

  const send = (what: 'pause' | 'resume' | 'cancel', jobId: string, keyId: 'acme' | 'beta' = 'acme') =>
    polling.json(`/api/v1/batch-jobs/${jobId}/${what}`, { method: 'POST', keyId });

  async function status(jobId: string) {
    const response = await polling.send(`/api/v1/batch-status/${jobId}`);
    return { etag: response.headers.get('etag'), body: (await response.json()) as Record<string, unknown> };
  }

  async function row(jobId: string) {
    const [found] = await polling.db.database.query('select * from batch_jobs where id = $1', [jobId]);
    return found;
  }

  const operator = (what: 'pause' | 'resume', jobId: string) => {
    const pauses = polling.app.get(JobPauses, { strict: false });
    return polling.db.database.transaction((tx) =>
      what === 'pause'
        ? pauses.pause(tx, jobId, { by: 'operator', reason: 'a test' })
        : pauses.resume(tx, jobId, 'operator'),
    );
  };

  it('a pause and a resume are shown by the answer, the status and the list, and may be repeated', async () => {
    const job = await insertJob(polling.db.database, { createdAt: new Date() });
    const before = await status(job.id);
    expect(before.body).toMatchObject({ paused: false });
    const paused = await send('pause', job.id);
    const pause = { paused_at: expect.any(String), resumes_at: expect.any(String), by: ['client'] };
    expect(paused).toEqual({
      status: 200,
      body: { job_id: job.id, status: 'processing', paused: true, pause, message: expect.stringContaining('paused') },
    });
    const { paused_at: since, resumes_at: end } = paused.body['pause'] as { paused_at: string; resumes_at: string };
    expect(Date.parse(end) - Date.parse(since)).toBe(7 * 24 * 3_600_000);
    const during = await status(job.id);
    expect(during.body).toMatchObject({ status: 'processing', paused: true, pause });
    expect(during.etag).not.toBe(before.etag);
    expect((await polling.json('/api/v1/batch-jobs?limit=100')).body['jobs']).toContainEqual(
      expect.objectContaining({ id: job.id, paused: true, pause: paused.body['pause'] }),
    );
    expect(await send('pause', job.id)).toEqual(paused);
    expect((await status(job.id)).etag).toBe(during.etag);

    const resumed = await send('resume', job.id);
    expect(resumed).toEqual({
      status: 200,
      body: {
        job_id: job.id,
        status: 'processing',
        paused: false,
        message: expect.stringContaining('not paused'),
      },
    });
    expect(await send('resume', job.id)).toEqual(resumed);
    const after = await status(job.id);
    expect(after.body).toMatchObject({ paused: false });
    expect(after.body).not.toHaveProperty('pause');
    expect([before.etag, during.etag]).not.toContain(after.etag);
    expect(await row(job.id)).toMatchObject({ version: 3 });
  });

  it('a resume does not end the pause of an operator, and the answer says so', async () => {
    const job = await insertJob(polling.db.database);
    await send('pause', job.id);
    await operator('pause', job.id);
    expect((await status(job.id)).body).toMatchObject({ pause: { by: ['client', 'operator'] } });
    const resumed = await send('resume', job.id);
    expect(resumed).toMatchObject({
      status: 200,
      body: { paused: true, pause: { by: ['operator'] }, message: expect.stringContaining('operator') as unknown },
    });
    expect(JSON.stringify(resumed.body)).not.toContain('a test');
    await operator('resume', job.id);
    expect((await status(job.id)).body).toMatchObject({ paused: false });
  });

  it.each(['completed', 'failed', 'cancelled'] as const)(
    'a pause and a resume answer 409 for a job that is %s',
    async (state) => {
      const job = await insertJob(polling.db.database, { status: state });
      for (const what of ['pause', 'resume'] as const) {
        expect(await send(what, job.id)).toMatchObject({
          status: 409,
          body: { code: 'JOB_NOT_PAUSABLE', status: state, error: 'Job cannot be paused' },
        });
      }
      expect(await row(job.id)).toMatchObject({ version: 1, paused_at: null });
    },
  );

  it('a pause answers 409 for a synchronous job, also for one that was handed over', async () => {
    for (const handedOverAt of [null, new Date()]) {
      const job = await insertJob(polling.db.database, { mode: 'sync', handedOverAt });
      for (const what of ['pause', 'resume'] as const) {
        expect(await send(what, job.id)).toMatchObject({
          status: 409,
          body: {
            code: 'JOB_NOT_PAUSABLE',
            status: 'processing',
            message: expect.stringContaining('synch') as unknown,
          },
        });
      }
    }
  });

  it('a pause answers 409 for a job that was paused for seven days in all', async () => {
    const job = await insertJob(polling.db.database, { pausedMs: String(7 * 24 * 3_600_000) });
    expect(await send('pause', job.id)).toMatchObject({
      status: 409,
      body: {
        code: 'JOB_NOT_PAUSABLE',
        status: 'processing',
        message: expect.stringContaining('seven days') as unknown,
      },
    });
    expect(await send('resume', job.id)).toMatchObject({ status: 200, body: { paused: false } });
  });

  it('a pause gives another key a 404 and pauses nothing', async () => {
    const job = await insertJob(polling.db.database);
    for (const what of ['pause', 'resume'] as const) {
      expect(await send(what, job.id, 'beta')).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
      expect(await send(what, 'none')).toMatchObject({ status: 404 });
    }
    expect(await row(job.id)).toMatchObject({ paused_at: null });
  });

  it('a pause is opened by the signature over the job id, as a cancel is', async () => {
    const job = await insertJob(polling.db.database);
    const headers = {
      'X-Signature': `sha256=${signJobId(secretOf('acme'), job.id)}`,
      'Content-Type': 'application/json',
    };
    for (const what of ['pause', 'resume'] as const) {
      const url = `${polling.origin}/api/v1/batch-jobs/${job.id}/${what}`;
      expect((await fetch(url, { method: 'POST', headers })).status).toBe(200);
    }
  });

  it('a pause that is repeated with its Idempotency-Key after a resume does not pause again', async () => {
    const job = await insertJob(polling.db.database);
    const keyed = async (key: string) => {
      const path = `/api/v1/batch-jobs/${job.id}/pause`;
      const answer = await polling.send(path, { method: 'POST', headers: { 'Idempotency-Key': key } });
      const replayed = answer.headers.get('idempotent-replayed');
      return { status: answer.status, replayed, body: (await answer.json()) as Record<string, unknown> };
    };
    expect(await keyed('pause-1')).toMatchObject({ status: 200, replayed: null, body: { paused: true } });
    await send('resume', job.id);
    expect(await keyed('pause-1')).toMatchObject({ status: 200, replayed: 'true', body: { paused: false } });
    expect(await keyed('pause-2')).toMatchObject({ status: 200, replayed: null, body: { paused: true } });
    expect(await keyed('x'.repeat(256))).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it('a refused pause does not use its Idempotency-Key up', async () => {
    const job = await insertJob(polling.db.database, { status: 'completed' });
    for (let n = 0; n < 2; n += 1) {
      const path = `/api/v1/batch-jobs/${job.id}/pause`;
      const answer = await polling.send(path, { method: 'POST', headers: { 'Idempotency-Key': 'refused' } });
      expect(answer.status).toBe(409);
    }
  });

  it('a paused job counts as active', async () => {
    const job = await insertJob(polling.db.database, { keyId: 'busy' });
    const active = () => polling.app.get(JobStore, { strict: false }).countActive(polling.db.database, 'busy', 10);
    expect(await active()).toBe(1);
    await polling.db.database.execute(
      `update batch_jobs set paused_by_client = true, paused_at = now() where id = $1`,
      [job.id],
    );
    expect(await active()).toBe(1);
  });

  it('a pause is a change for those who wait for the status, and for progress webhooks', async () => {
    const job = await insertJob(polling.db.database, {
      webhookUrl: 'https://client.test/hook',
      options: { webhook_events: ['batch_job_progress'] },
    });
    await insertLot(polling.db.database, job.id, 0, { status: 'processing' });
    const { etag } = await status(job.id);
    const waiting = polling.json(`/api/v1/batch-status/${job.id}`, {
      headers: { 'If-None-Match': String(etag), Prefer: 'wait=20' },
    });
    await send('pause', job.id);
    expect(await waiting).toMatchObject({ status: 200, body: { paused: true } });
    const told = () =>
      polling.db.database.query(
        `select status, payload::json ->> 'paused' as paused from webhook_deliveries where job_id = $1 order by id`,
        [job.id],
      );
    expect(await told()).toEqual([{ status: 'pending', paused: 'true' }]);
    await send('resume', job.id);
    expect(await told()).toEqual([
      { status: 'superseded', paused: 'true' },
      { status: 'pending', paused: 'false' },
    ]);
  });

  describe('against a finish', () => {
    it('a pause loses when a finish commits first, and leaves nothing behind', async () => {
      const { database } = polling.db;
      const job = await insertJob(database);
      const ender = polling.app.get(JobEnder, { strict: false });
      let pausing: ReturnType<typeof send> | undefined;
      await database.transaction(async (tx) => {
        await ender.endJob(tx, job.id, 'completed');
        pausing = send('pause', job.id);
        await someoneWaitsForAJob();
      });
      expect(await pausing).toMatchObject({ status: 409, body: { code: 'JOB_NOT_PAUSABLE', status: 'completed' } });
      expect(await row(job.id)).toMatchObject({ paused_at: null, paused_by_client: false });
    });

    it('a pause that commits first does not keep a job from its end, which ends the pause', async () => {
      const { database } = polling.db;
      const job = await insertJob(database);
      expect((await send('pause', job.id)).status).toBe(200);
      const ender = polling.app.get(JobEnder, { strict: false });
      await expect(database.transaction((tx) => ender.endJob(tx, job.id, 'completed'))).resolves.toBe(true);
      expect((await status(job.id)).body).toMatchObject({ status: 'completed', paused: false });
      expect(await send('pause', job.id)).toMatchObject({ status: 409 });
    });

    it('pauses and resumes that come at once leave one of the two states, and each change counts once', async () => {
      const job = await insertJob(polling.db.database);
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) => send(n % 2 === 0 ? 'pause' : 'resume', job.id)),
      );
      expect(answers.every((answer) => answer.status === 200)).toBe(true);
      const found = await row(job.id);
      // Paused and running take turns, from version 1 of a running job on.
      expect(found?.['paused_at'] === null).toBe(Number(found?.['version']) % 2 === 1);
    });

    it('a resume and a cancel of one moment are both answered, in whatever order the shards are stored', async () => {
      const { database } = polling.db;
      const job = await insertJob(database);
      for (const position of [1, 0]) {
        await database.execute(
          `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
             next_check_at, created_at) values ($1, 'vision', $2, 0, $2, 'acme', 'm', 'watching', now(), now())`,
          [job.id, position],
        );
      }
      // So that PostgreSQL knows how few they are, and reads them as they are stored.
      await database.execute('analyze openai_batches');
      expect((await send('pause', job.id)).status).toBe(200);
      const first = await database.begin();
      await first.tx.execute('update openai_batches set reason = null where job_id = $1 and first_position = 0', [
        job.id,
      ]);
      const resumed = send('resume', job.id);
      await waitFor('openai_batches', 1);
      const cancelled = send('cancel', job.id);
      await waitFor('openai_batches', 2);
      await first.commit();
      expect([(await resumed).status, (await cancelled).status]).toEqual([200, 200]);
    });

    /** Resolves once a statement waits for a job's row. */
    const someoneWaitsForAJob = () => waitFor('from batch_jobs where id = $1 for no key update', 1);

    /** Resolves once so many statements with these words wait for a lock: PostgreSQL itself says so. */
    async function waitFor(words: string, count: number): Promise<void> {
      const waiting = () =>
        polling.db.database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
             and position($1 in query) > 0`,
          [words],
        );
      while ((await waiting()).length < count);
    }
  });
});
