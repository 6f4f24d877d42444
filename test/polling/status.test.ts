import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signJobId } from '../../src/auth/signatures.js';
import { newId } from '../../src/common/ids.js';
import { insertJob, insertLot, type JobFixture } from '../jobs/fixtures.js';
import { secretOf, startPollingApp, touch, type PollingApp } from './polling-app.js';

/** Real: HTTP, guard, PostgreSQL. Faked: nothing. */
describe('GET batch-status', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp({ RATE_LIMIT_POLLING: '500' });
  });
  afterAll(() => polling.close());

  const path = (jobId: string) => `/api/v1/batch-status/${jobId}`;

  describe('estimated_completion', () => {
    /** A batch of ten lots that began an hour ago and has just changed. */
    async function running(change: Partial<JobFixture>): Promise<JobFixture> {
      const createdAt = new Date(Date.now() - 3_600_000);
      const job = await insertJob(polling.db.database, { totalLots: 10, createdAt, ...change });
      await touch(polling.db, job.id);
      return job;
    }
    const read = async (job: { id: string }) => {
      const response = await polling.send(path(job.id));
      const { progress } = (await response.json()) as { progress: { estimated_completion: string | null } };
      return { etag: response.headers.get('etag'), estimate: progress.estimated_completion };
    };

    it('estimated_completion goes by the pace of completed lots, as long as a worker is there to keep it', async () => {
      const job = await running({ processedLots: 4, failedLots: 0, awaitingVision: 6 });
      const alone = await read(job);
      expect(alone.estimate).toBeNull();
      await polling.db.database.execute(
        `insert into workers (id, role, started_at, beat_at) values ($1, 'worker', now(), now())`,
        [job.id],
      );
      await expect.poll(async () => (await read(job)).estimate).not.toBeNull();
      const worked = await read(job);
      const hours = (Date.parse(worked.estimate ?? '') - Date.now()) / 3_600_000;
      expect(hours).toBeGreaterThan(1);
      expect(hours).toBeLessThan(2);
      const list = (await polling.json('/api/v1/batch-jobs')).body as { jobs: { id: string; progress: unknown }[] };
      const results = (await polling.json(`/api/v1/batch-results/${job.id}`)).body;
      for (const { progress } of [list.jobs.find(({ id }) => id === job.id), results] as { progress: unknown }[]) {
        expect(progress).toMatchObject({ estimated_completion: worked.estimate });
      }
      // The status changes without a change of the job, so the two tags must differ.
      expect(worked.etag).not.toBe(alone.etag);
      expect((await polling.send(path(job.id), { headers: { 'If-None-Match': worked.etag ?? '' } })).status).toBe(304);
      expect((await polling.send(path(job.id), { headers: { 'If-None-Match': alone.etag ?? '' } })).status).toBe(200);
      // Failed lots give no pace, and a time that has passed is no estimate.
      expect((await read(await running({ failedLots: 9, awaitingVision: 1 }))).estimate).toBeNull();
      const late = await insertJob(polling.db.database, { totalLots: 2, processedLots: 1, awaitingVision: 1 });
      await polling.db.database.execute(
        `update batch_jobs set updated_at = created_at + interval '1 hour' where id = $1`,
        [late.id],
      );
      expect((await read(late)).estimate).toBeNull();
      await polling.db.database.execute(`update workers set beat_at = now() - interval '2 minutes'`);
      await expect.poll(async () => (await read(job)).estimate).toBeNull();
    });
  });

  it('batch-status shows a running batch as the contract has it', async () => {
    const { database } = polling.db;
    const job = await insertJob(database, {
      totalLots: 10,
      processedLots: 2,
      failedLots: 1,
      failures: { IMAGE_UNREACHABLE: { lots: 1, first: '2026-01-01T00:20:00Z', last: '2026-01-01T00:20:00Z' } },
      awaitingImages: 1,
      awaitingVision: 4,
      awaitingTranslation: 2,
      metadata: { auction: 'A-17' },
      webhookUrl: 'https://client.test/hook',
    });
    await database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status, batch_id,
         upstream_status, request_total, request_completed, request_failed, next_check_at, created_at, submitted_at)
       values ($1, 'vision', 0, 0, 4, 'acme', 'm', 'watching', 'batch_1', 'in_progress', 5, 2, 1, now(), now(),
           '2026-01-01T00:10:00Z'),
         ($1, 'vision', 5, 0, 9, 'acme', 'm', 'queued', null, null, 0, 0, 0, now(), now(), null),
         ($1, 'translation', 0, 0, 4, 'acme', 't', 'watching', 'batch_2', 'validating', 5, 0, 0, now(), now(),
           '2026-01-01T00:20:00Z')`,
      [job.id],
    );
    await database.execute(
      `insert into job_usage (job_id, stage, model, calls, input_tokens, output_tokens, cost_usd)
       values ($1, 'vision', 'm', 3, 3000, 300, 0.125)`,
      [job.id],
    );
    await database.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, next_attempt_at, created_at)
       select gen_random_uuid(), $1, 'acme', 'https://client.test', 'https://client.test/hook', 'batch_job_progress',
         status, now(), now() from unnest(array['pending', 'delivered', 'delivered']) status`,
      [job.id],
    );
    const response = await polling.send(path(job.id));
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).toMatch(new RegExp(`^W/"${job.id}-1-[0-9a-f]{16}"$`));
    expect(response.headers.get('retry-after')).toBe('60');
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(await response.json()).toEqual({
      job_id: job.id,
      status: 'processing',
      processing_mode: 'batch',
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      completed_at: null,
      cancelled_at: null,
      paused: false,
      progress: {
        total_lots: 10,
        processed_lots: 2,
        failed_lots: 1,
        completion_percentage: 30,
        estimated_completion: null,
        work_percentage: 45,
      },
      languages: ['en', 'ru'],
      processing_details: {
        openai_vision_batch_id: 'batch_1',
        openai_translation_batch_id: 'batch_2',
        current_stage: 'vision_analysis',
      },
      stages: { image_check: 1, vision_analysis: 4, translation: 2, completed: 2, failed: 1, cancelled: 0 },
      openai_batches: [
        {
          stage: 'vision',
          batch_id: 'batch_1',
          status: 'watching',
          openai_status: 'in_progress',
          model: 'm',
          attempt: 0,
          lots: 5,
          request_counts: { total: 5, completed: 2, failed: 1 },
          reason: null,
          submitted_at: '2026-01-01T00:10:00Z',
          finished_at: null,
        },
        expect.objectContaining({ batch_id: 'batch_2', stage: 'translation' }),
        expect.objectContaining({ batch_id: null, status: 'queued', submitted_at: null }),
      ],
      usage: {
        cost_usd: 0,
        estimated_cost_usd: null,
        by_stage: [
          {
            stage: 'vision',
            model: 'm',
            calls: 3,
            input_tokens: 3000,
            cached_input_tokens: 0,
            output_tokens: 300,
            reasoning_tokens: 0,
            cost_usd: 0.125,
          },
        ],
      },
      error_message: null,
      error_code: null,
      errors: [{ code: 'IMAGE_UNREACHABLE', lots: 1, first: '2026-01-01T00:20:00Z', last: '2026-01-01T00:20:00Z' }],
      webhook_configured: true,
      webhooks: { pending: 1, in_flight: 0, delivered: 2, failed: 0, superseded: 0 },
      metadata: { auction: 'A-17' },
      retry_of: null,
      retried_by: [],
    });
  });

  it('batch-status shows a failed job with its reason, and no hint to ask again', async () => {
    const job = await insertJob(polling.db.database, {
      mode: 'sync',
      status: 'failed',
      stage: 'done',
      totalLots: 1,
      failedLots: 1,
      error: { code: 'INTERRUPTED', message: 'The process ended.' },
      completedAt: new Date('2026-01-01T00:01:00Z'),
    });
    const response = await polling.send(path(job.id));
    expect(response.headers.get('retry-after')).toBeNull();
    expect(await response.json()).toMatchObject({
      processing_mode: 'synchronous',
      error_message: 'The process ended.',
      error_code: 'INTERRUPTED',
      completed_at: '2026-01-01T00:01:00Z',
      progress: { completion_percentage: 100, estimated_completion: null },
      processing_details: { openai_vision_batch_id: null, openai_translation_batch_id: null, current_stage: 'done' },
      webhook_configured: false,
    });
  });

  it('batch-status says that a webhook is configured when a lot has one of its own', async () => {
    const job = await insertJob(polling.db.database);
    await insertLot(polling.db.database, job.id, 0);
    await insertLot(polling.db.database, job.id, 1, { webhook: 'https://client.test/hook' });
    expect((await polling.json(path(job.id))).body).toMatchObject({ webhook_configured: true });
  });

  it('batch-status is opened by the signature over the job id too', async () => {
    const job = await insertJob(polling.db.database);
    const headers = { 'X-Signature': signJobId(secretOf('acme'), job.id) };
    expect((await fetch(polling.origin + path(job.id), { headers })).status).toBe(200);
    const other = { 'X-Signature': signJobId(secretOf('beta'), job.id) };
    expect((await fetch(polling.origin + path(job.id), { headers: other })).status).toBe(404);
    expect((await fetch(polling.origin + path(job.id))).status).toBe(401);
  });

  it.each([newId(), 'not-an-id', '%00', "'%20or%201=1", '0'.repeat(500)])(
    'batch-status does not find %s',
    async (id) => {
      const { status, body } = await polling.json(path(id));
      expect(status).toBe(404);
      expect(body).toMatchObject({ code: 'JOB_NOT_FOUND', error: 'Job not found' });
    },
  );
});
