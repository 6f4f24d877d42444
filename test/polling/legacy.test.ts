import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replacementOf } from '../../src/common/replaced-paths.js';
import { insertCompletedLots, insertJob, insertLot, insertResult, type JobFixture } from '../jobs/fixtures.js';
import { startPollingApp, type PollingApp } from './polling-app.js';

/** Real: HTTP, guard, PostgreSQL. Faked: nothing. */
describe('the older service’s addresses of a job, with LEGACY_UNSIGNED_READS', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp({ LEGACY_UNSIGNED_READS: 'true' });
  });
  afterAll(() => polling.close());

  const read = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(polling.origin + path, { headers });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as object),
    };
  };

  /** English was not asked for; the source is there all the same. */
  async function endedJob(change: Partial<JobFixture> = {}): Promise<JobFixture> {
    const { database } = polling.db;
    const job = await insertJob(database, {
      status: 'completed',
      stage: 'done',
      languages: ['ru', 'de'],
      awaitingVision: 0,
      processedLots: 1,
      failedLots: 1,
      processedImages: 3,
      completedAt: new Date('2026-01-01T00:00:12.500Z'),
      ...change,
    });
    await insertLot(database, job.id, 0, { lotId: '11-1' });
    await insertResult(database, job.id, 0, 'en', '<p>Dent</p>', { assessment: {} });
    await insertResult(database, job.id, 0, 'ru', '<p>Вмятина</p>');
    await insertResult(database, job.id, 0, 'de', '<p>Dent</p>', { fallback: true });
    await insertLot(database, job.id, 1, {
      status: 'failed',
      missingImages: ['https://cdn.test/1.jpg'],
      error: { code: 'IMAGE_UNREACHABLE', message: 'No photo could be fetched.' },
    });
    return job;
  }

  it('the older service’s addresses of a job give an ended job with its totals at the top and its lots as they were', async () => {
    const job = await endedJob();
    const { body: status } = await read(`/api/v1/batch-status/${job.id}`);
    const { body, headers } = await read(`/api/v1/jobs/${job.id}`);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body).toEqual({
      ...status,
      total_lots: 2,
      processed_lots: 1,
      failed_lots: 1,
      total_images_processed: 3,
      total_processing_time: 12.5,
      results: [
        {
          lot_id: '11-1',
          status: 'completed',
          vision_result: '<p>Dent</p>',
          translations: { ru: '<p>Вмятина</p>', de: '<p>Dent</p>' },
          error_message: null,
          missing_images: [],
        },
        {
          lot_id: 'lot-1',
          status: 'failed',
          vision_result: null,
          translations: {},
          error_message: 'No photo could be fetched.',
          missing_images: ['https://cdn.test/1.jpg'],
        },
      ],
    });
    expect((await read(`/api/v1/jobs/${job.id}/status`)).body).toEqual(status);
  });

  it('the older service’s addresses of a job name English once, as it was sent', async () => {
    const job = await endedJob({ languages: ['EN', 'ru'] });
    await insertResult(polling.db.database, job.id, 0, 'EN', '<p>Dent</p>');
    const { body } = await read(`/api/v1/jobs/${job.id}`);
    expect(body).toMatchObject({
      languages: ['EN', 'ru'],
      results: [{ vision_result: '<p>Dent</p>', translations: { ru: '<p>Вмятина</p>' } }, {}],
    });
  });

  it('the older service’s addresses of a job give what is left of a cancelled job', async () => {
    const { database } = polling.db;
    const job = await insertJob(database, { status: 'cancelled', totalLots: 1, cancelledAt: new Date() });
    await insertLot(database, job.id, 0, { status: 'processing' });
    expect((await read(`/api/v1/jobs/${job.id}`)).body).toMatchObject({
      status: 'cancelled',
      results: [{ status: 'cancelled', vision_result: null, translations: {}, error_message: null }],
    });
  });

  it('the older service’s addresses of a job give the status alone while the job runs, and wait for its change', async () => {
    const job = await insertJob(polling.db.database);
    const { status, headers, body } = await read(`/api/v1/jobs/${job.id}`);
    expect([status, body]).toEqual([200, (await read(`/api/v1/batch-status/${job.id}`)).body]);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    const known = headers.get('etag') ?? '';
    expect((await read(`/api/v1/jobs/${job.id}`, { 'If-None-Match': known })).status).toBe(304);
  });

  it('the older service’s addresses of a job answer an entity tag of an ended job, and signed requests too', async () => {
    const job = await endedJob();
    const known = (await read(`/api/v1/jobs/${job.id}`)).headers.get('etag') ?? '';
    expect((await read(`/api/v1/jobs/${job.id}`, { 'If-None-Match': known })).status).toBe(304);
    expect((await polling.json(`/api/v1/jobs/${job.id}`)).body).toHaveProperty('results');
    expect((await polling.json(`/api/v1/jobs/${job.id}`, { keyId: 'beta' })).status).toBe(404);
  });

  it('the older service’s addresses of a job stream one of many lots', async () => {
    const job = await insertJob(polling.db.database, { status: 'completed', totalLots: 2000 });
    await insertCompletedLots(polling.db.database, job.id, 2000, ['en', 'ru']);
    const { body } = await read(`/api/v1/jobs/${job.id}`);
    const { results } = body as { results: { vision_result: string | null; translations: object }[] };
    expect(results).toHaveLength(2000);
    expect(results.every((lot) => lot.vision_result !== null && Object.keys(lot.translations).length === 1)).toBe(true);
  });
});

describe('paths of the older service that are gone', () => {
  it.each([
    ['/api/v1/generate', 'POST /api/v1/generate-descriptions'],
    ['/api/v1/generate/', 'POST /api/v1/generate-descriptions'],
    ['/generate-descriptions', 'POST /api/v1/generate-descriptions'],
    ['/api/v1/jobs', 'GET /api/v1/batch-jobs'],
    ['/api/v1/jobs/123/results', 'GET /api/v1/batch-results/{job_id}'],
    ['/api/v1/jobs/123/cancel', 'POST /api/v1/batch-jobs/{job_id}/cancel'],
    ['/api/v1/status/123', 'GET /api/v1/batch-status/{job_id}'],
    ['/api/v1/monitoring', '/metrics'],
    ['/api/v1/monitoring/queue', '/metrics'],
    ['/monitoring/jobs', '/metrics'],
    ['/api/v1/stats', '/metrics'],
    ['/dashboard', '/metrics'],
    ['/api/v1/health', '/health'],
    ['/api/v1/test', '/api/v1/webhooks/ping'],
    ['/api/v1/test-webhook', '/api/v1/webhooks/ping'],
    ['/test/openai', '/docs'],
    ['/api/v1/webhook/test', '/api/v1/webhooks/ping'],
    ['/Swagger', '/docs'],
    ['/api/v1/docs', '/docs'],
    ['/', '/docs'],
    ['/index.html', '/docs'],
    ['/static/app.js', '/docs'],
  ])('%s is gone, and %s took its place', (path, replacement) => {
    expect(replacementOf(path)).toContain(replacement);
  });

  it.each(['/api/v1/generate-images', '/wp-login.php', '/api/v1/testimonials', '/%ff', '/..%2f..%2fetc/passwd'])(
    '%s has no successor: nobody ever had it',
    (path) => expect(replacementOf(path)).toBeNull(),
  );
});
