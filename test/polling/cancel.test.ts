import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signJobId } from '../../src/auth/signatures.js';
import { JobEnder } from '../../src/jobs/job-ender.js';
import { insertJob, insertLot, insertResult } from '../jobs/fixtures.js';
import { secretOf, startPollingApp, type PollingApp } from './polling-app.js';

/** Real: HTTP, guard, PostgreSQL, the end of jobs with its outbox. Faked: nothing. */
describe('POST batch-jobs/{job_id}/cancel', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp();
  });
  afterAll(() => polling.close());

  const cancel = (jobId: string, keyId: 'acme' | 'beta' = 'acme') =>
    polling.json(`/api/v1/batch-jobs/${jobId}/cancel`, { method: 'POST', keyId });

  async function insertShard(jobId: string, first: number, status: string, lockToken: string | null = null) {
    await polling.db.database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
         next_check_at, created_at, lock_token)
       values ($1, 'vision', $2, 0, $2, 'acme', 'm', $3, now() + interval '1 hour', now(), $4)`,
      [jobId, first, status, lockToken],
    );
  }

  it('a cancel freezes the results, queues the webhooks and flags the shards, all at once', async () => {
    const { database } = polling.db;
    const job = await insertJob(database, { languages: ['en'], webhookUrl: 'https://client.test/hook' });
    await insertLot(database, job.id, 0);
    await insertResult(database, job.id, 0, 'en', 'text');
    await insertLot(database, job.id, 1, { status: 'processing' });
    await insertShard(job.id, 0, 'done');
    await insertShard(job.id, 1, 'watching');
    await insertShard(job.id, 2, 'taking_in', '0190163d-8694-739b-aea5-966c26f8ad90');

    const { status, body } = await cancel(job.id);
    expect(status).toBe(200);
    expect(body).toEqual({
      job_id: job.id,
      status: 'cancelled',
      cancelled_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      message: expect.stringContaining('cancelled'),
    });
    expect(
      await database.query(
        `select status, cancel_requested, next_check_at <= clock_timestamp() as due
         from openai_batches where job_id = $1 order by first_position`,
        [job.id],
      ),
    ).toEqual([
      { status: 'done', cancel_requested: false, due: false },
      { status: 'watching', cancel_requested: true, due: true },
      // Claimed: its lease is not to be cut short.
      { status: 'taking_in', cancel_requested: true, due: false },
    ]);
    expect(await database.query('select event, url, lots from webhook_deliveries where job_id = $1', [job.id])).toEqual(
      [{ event: 'batch_job_cancelled', url: 'https://client.test/hook', lots: 2 }],
    );
    const shown = await polling.json(`/api/v1/batch-status/${job.id}`);
    expect(shown.body).toMatchObject({
      status: 'cancelled',
      cancelled_at: body['cancelled_at'],
      webhooks: { pending: 1 },
      stages: { cancelled: 2 },
    });
    const results = await polling.json(`/api/v1/batch-results/${job.id}`);
    expect(results.body).toMatchObject({ results: { lots: [{ status: 'completed' }, { status: 'cancelled' }] } });
  });

  it('a cancel answers a repeat with the same Idempotency-Key as the first time, and any other with 409', async () => {
    const job = await insertJob(polling.db.database);
    const path = `/api/v1/batch-jobs/${job.id}/cancel`;
    const keyed = async (key: string) => {
      const answer = await polling.send(path, { method: 'POST', headers: { 'Idempotency-Key': key } });
      const replayed = answer.headers.get('idempotent-replayed');
      return { status: answer.status, replayed, body: (await answer.json()) as Record<string, unknown> };
    };
    const first = await keyed('cancel-1');
    expect(first).toMatchObject({ status: 200, replayed: null });
    expect(await keyed('cancel-1')).toEqual({ ...first, replayed: 'true' });
    expect(await keyed('cancel-2')).toMatchObject({ status: 409 });
    expect(await keyed('x'.repeat(256))).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it.each(['completed', 'failed', 'cancelled'] as const)('a cancel answers 409 for a job that is %s', async (state) => {
    const job = await insertJob(polling.db.database, { status: state });
    await insertShard(job.id, 0, 'watching');
    const { status, body } = await cancel(job.id);
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'JOB_NOT_CANCELLABLE', status: state, error: 'Job cannot be cancelled' });
    expect(
      await polling.db.database.query('select 1 from openai_batches where job_id = $1 and cancel_requested', [job.id]),
    ).toEqual([]);
  });

  it('a cancel gives another key a 404 and cancels nothing', async () => {
    const job = await insertJob(polling.db.database);
    expect(await cancel(job.id, 'beta')).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
    expect((await polling.json(`/api/v1/batch-status/${job.id}`)).body).toMatchObject({ status: 'processing' });
  });

  it('a cancel is opened by the signature over the job id', async () => {
    const job = await insertJob(polling.db.database);
    const url = `${polling.origin}/api/v1/batch-jobs/${job.id}/cancel`;
    const headers = {
      'X-Signature': `sha256=${signJobId(secretOf('acme'), job.id)}`,
      'Content-Type': 'application/json',
    };
    expect((await fetch(url, { method: 'POST', headers })).status).toBe(200);
  });

  describe('against a finish', () => {
    it('a cancel loses when a finish commits first, and takes its flags back', async () => {
      const { database } = polling.db;
      const job = await insertJob(database);
      await insertShard(job.id, 0, 'watching');
      const ender = polling.app.get(JobEnder, { strict: false });
      let cancelling: ReturnType<typeof cancel> | undefined;
      await database.transaction(async (tx) => {
        await ender.endJob(tx, job.id, 'completed');
        cancelling = cancel(job.id);
        await someoneWaitsForAJob();
      });
      const answer = await cancelling;
      expect(answer).toMatchObject({ status: 409, body: { code: 'JOB_NOT_CANCELLABLE', status: 'completed' } });
      expect(await database.query('select cancel_requested from openai_batches where job_id = $1', [job.id])).toEqual([
        { cancel_requested: false },
      ]);
    });

    it('a cancel wins when it commits before a finish, which then changes nothing', async () => {
      const { database } = polling.db;
      const job = await insertJob(database);
      expect((await cancel(job.id)).status).toBe(200);
      const ender = polling.app.get(JobEnder, { strict: false });
      await expect(database.transaction((tx) => ender.endJob(tx, job.id, 'completed'))).resolves.toBe(false);
      expect((await polling.json(`/api/v1/batch-status/${job.id}`)).body).toMatchObject({ status: 'cancelled' });
    });

    it('a cancel has one winner when many come at once', async () => {
      const job = await insertJob(polling.db.database);
      const answers = await Promise.all(Array.from({ length: 5 }, () => cancel(job.id)));
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409, 409]);
    });

    /** Resolves once a statement waits for a job's row: PostgreSQL itself says so. */
    async function someoneWaitsForAJob(): Promise<void> {
      const waiting = () =>
        polling.db.database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
             and query like 'update batch_jobs%'`,
        );
      while ((await waiting()).length === 0);
    }
  });
});
