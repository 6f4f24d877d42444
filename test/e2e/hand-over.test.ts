import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AbandonedJobsCron } from '../../src/sync/abandoned-jobs.cron.js';
import type { JsonObject } from 'openai-sandbox';
import { lotOf, TestService } from '../support/service.js';
import { expectRefusal } from './refusal.js';

/** Takes over what other processes leave behind. */
let heir: TestService;

beforeAll(async () => {
  heir = await TestService.start();
});
beforeEach(() => heir.reset());
afterAll(() => heir.stop());

const NEVER = { action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses' };
const key = () => ({ 'Idempotency-Key': randomUUID() });
const ended = (body: JsonObject) => /completed|failed|cancelled/.test(String(body['status']));

/** Resolves once a lot's vision answer is stored, and its texts are waited for. */
const translating = (body: JsonObject) =>
  expect.poll(async () => (await heir.jobOfLot(body))?.['status']).toBe('translating');

/** The languages whose glossaries are made and kept. */
async function madeGlossaries(): Promise<string[]> {
  const rows = await heir.db.database.query<{ tag: string }>(`select tag from glossary_versions where origin = 'made'`);
  return rows.map(({ tag }) => tag);
}

/** A process of the same service that only answers requests. */
async function withProcess<T>(
  environment: Record<string, string>,
  work: (service: TestService, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const service = await TestService.start({ beside: heir, environment: { ROLE: 'api', ...environment } });
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= service.stop());
  try {
    return await work(service, close);
  } finally {
    await close();
  }
}

describe('a model slower than SYNC_TIMEOUT', () => {
  it('a model slower than SYNC_TIMEOUT is waited for by polling: 202, then the result, and its webhook', async () => {
    const photo = await heir.heldPhoto();
    await withProcess({ SYNC_TIMEOUT: '1' }, async (service) => {
      const change = { languages: ['en', 'de'], webhook_url: service.photos.url('hook') };
      const body = service.request(change, { images: [{ url: photo.url }] });
      const answer = await service.generate(body);
      const jobId = String(answer.body['job_id']);
      expect(answer.status).toBe(202);
      expect(answer.body).toEqual({
        job_id: jobId,
        status: 'processing',
        processing_mode: 'synchronous',
        total_lots: 1,
        created_at: expect.stringMatching(/Z$/) as string,
        languages: ['en', 'de'],
        message: expect.any(String) as string,
        warnings: [],
      });
      expect(answer.headers.get('location')).toBe(`/api/v1/batch-status/${jobId}`);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      const running = await service.send(`/api/v1/batch-results/${jobId}`);
      expect([running.status, running.body['error']]).toEqual([202, 'Job not completed']);
      photo.release();
      const status = await service.statusWhen(jobId, ended);
      expect(status).toMatchObject({ status: 'completed', webhook_configured: true });
      const deliveries = Object.values(status['webhooks'] as Record<string, number>);
      expect(deliveries.reduce((sum, count) => sum + count, 0)).toBe(1);
      const { body: results } = await service.send(`/api/v1/batch-results/${jobId}`);
      const lot = lotOf(results['results'] as JsonObject);
      expect(lot).toMatchObject({ lot_id: lotOf(body)['lot_id'], status: 'completed', pending_languages: [] });
      expect((lot['descriptions'] as JsonObject[]).map(({ language }) => language)).toEqual(['en', 'de']);
    });
    expect(await heir.callCounts()).toEqual({ vision: 1, translation: 0 });
  });

  it('a synchronous request sends no webhook when it was answered in time', async () => {
    const { body } = await heir.generate(heir.request({ webhook_url: heir.photos.url('hook') }));
    const { body: status } = await heir.send(`/api/v1/batch-status/${String(body['job_id'])}`);
    expect(Object.values(status['webhooks'] as Record<string, number>)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('a process that is told to end', () => {
  it('a process that is told to end answers what is done within its grace', async () => {
    await heir.faults({ ...NEVER, ms: 300 });
    await withProcess({ SHUTDOWN_GRACE: '30' }, async (service, close) => {
      const answer = service.generate(service.request());
      await heir.callsWhen((calls) => calls.length === 1);
      const closed = close();
      expect((await answer).status).toBe(200);
      await closed;
    });
  });

  it('a process that is told to end hands over what is not, and another one does it, asking the model again', async () => {
    await heir.faults(NEVER);
    const answer = await withProcess({ SHUTDOWN_GRACE: '0.1' }, async (service, close) => {
      const waiting = service.generate(service.request());
      await heir.callsWhen((calls) => calls.length === 1);
      await close();
      return waiting;
    });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/api/v1/batch-status/${String(answer.body['job_id'])}`);
    const status = await heir.statusWhen(String(answer.body['job_id']), ended);
    expect(status).toMatchObject({ status: 'completed', progress: { processed_lots: 1 } });
    expect((await heir.calls()).map(({ outcome }) => outcome)).toEqual(['aborted', 'answered']);
  });

  it('a process that is told to end leaves a stored vision answer and the glossary it was making, and neither is paid again', async () => {
    await heir.faults({ ...NEVER, contains: 'Estonian' });
    const answer = await withProcess({ SHUTDOWN_GRACE: '0.1' }, async (service, close) => {
      const body = service.request({ languages: ['sv', 'et', 'en'] });
      const waiting = service.generate(body);
      // The lot is described, and the other glossary is kept: it waits for nothing but these words.
      await translating(body);
      await expect.poll(() => madeGlossaries()).toContain('sv');
      await heir.callsWhen((calls) => calls.length === 3);
      await close();
      return waiting;
    });
    const jobId = String(answer.body['job_id']);
    expect(await heir.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    const calls = await heir.calls();
    expect(calls.filter(({ kind }) => kind === 'vision').length).toBe(1);
    expect(calls.filter(({ kind }) => kind === 'translation').length).toBe(3);
    const { body } = await heir.send(`/api/v1/batch-results/${jobId}`);
    const descriptions = lotOf(body['results'] as JsonObject)['descriptions'] as JsonObject[];
    expect(descriptions.map(({ language }) => language)).toEqual(['sv', 'et', 'en']);
    for (const description of descriptions) expect(description).not.toHaveProperty('fallback');
  });
});

describe('a process that died', () => {
  /** The job of a request as a dead process leaves it: under a lease that is no longer renewed. */
  async function die(body: JsonObject): Promise<string> {
    const job = await heir.jobOfLot(body);
    const jobId = String(job?.['id']);
    await heir.db.database.execute(
      `update batch_jobs set locked_until = clock_timestamp() - interval '1 second', lock_token = gen_random_uuid()
       where id = $1`,
      [jobId],
    );
    // And what it was making.
    await heir.db.database.execute(
      `update glossary_makings set due_at = clock_timestamp() - interval '1 second' where status = 'wanted'`,
    );
    return jobId;
  }

  const takeOver = () => heir.app.get(AbandonedJobsCron).tick();

  it('the work of a dead process with an Idempotency-Key is resumed, and the retry gets it', async () => {
    await heir.faults(NEVER);
    await withProcess({ SHUTDOWN_GRACE: '0.1' }, async (service) => {
      const body = service.request();
      const headers = key();
      const hangUp = new AbortController();
      const first = service.generate(body, { headers, signal: hangUp.signal }).catch(() => 'hung up');
      await heir.callsWhen((calls) => calls.length === 1);
      hangUp.abort();
      await first;
      const jobId = await die(body);
      await takeOver();
      expect(await heir.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
      const retry = await heir.generate(body, { headers });
      expect([retry.status, retry.body['job_id']]).toEqual([200, jobId]);
      expect(await heir.callCounts()).toEqual({ vision: 2, translation: 0 });
    });
  });

  it('the work of a process that died after its 202 is resumed without a second vision call', async () => {
    await heir.faults({ ...NEVER, model: 'gpt-5.6-luna' });
    await withProcess({ SYNC_TIMEOUT: '1', SHUTDOWN_GRACE: '0.1' }, async (service) => {
      const body = service.request({ languages: ['hu'] });
      const answer = await service.generate(body);
      expect(answer.status).toBe(202);
      await translating(body);
      const jobId = await die(body);
      await takeOver();
      expect(await heir.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
      expect(await heir.callCounts()).toEqual({ vision: 1, translation: 2 });
    });
  });

  it('the job of a dead process fails with INTERRUPTED otherwise, and the model is not asked again', async () => {
    const photo = await heir.heldPhoto();
    await withProcess({ SHUTDOWN_GRACE: '0.1' }, async (service) => {
      const body = service.request({}, { images: [{ url: photo.url }] });
      const waiting = service.generate(body);
      await heir.callsWhen((calls) => calls.length === 1);
      const jobId = await die(body);
      await takeOver();
      const status = await heir.statusWhen(jobId, ended);
      expect(status).toMatchObject({ status: 'failed', progress: { failed_lots: 1 }, error_code: 'INTERRUPTED' });
      const { body: results } = await heir.send(`/api/v1/batch-results/${jobId}`);
      expect(lotOf(results['results'] as JsonObject)).toMatchObject({
        status: 'failed',
        error: { code: 'INTERRUPTED' },
        descriptions: [],
      });
      // Its process was alive after all. The client is told so, and may try again.
      photo.release();
      const answer = await waiting;
      expectRefusal(answer, 'SERVICE_UNAVAILABLE');
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(await heir.callCounts()).toEqual({ vision: 1, translation: 0 });
      expect((await heir.generate(body)).status).toBe(200);
    });
  });

  // Where lots lie on another server than their job, a commit may be cut in half: the lots' half is there, the job's is not.
  it.each(['completed', 'failed', 'translating'] as const)(
    'a lot that is %s while its job knows nothing of it is believed, and the model is not asked again',
    async (status) => {
      if (status === 'failed') await heir.faults({ action: 'refusal', count: 2 });
      const { database } = heir.db;
      const body = heir.request({ languages: ['en', 'de'] });
      await heir.generate(body, { headers: key() });
      const jobId = String((await heir.jobOfLot(body))?.['id']);
      const seen = async () => {
        const [job] = await database.query(
          `select status, stage, processed_lots, failed_lots, awaiting_images, awaiting_vision, awaiting_translation,
             processed_images, cost_usd, error, failures from batch_jobs where id = $1`,
          [jobId],
        );
        const usage = await database.query('select * from job_usage where job_id = $1', [jobId]);
        const { body: results } = await heir.send(`/api/v1/batch-results/${jobId}`);
        return { job, usage, lots: results['results'], calls: await heir.callCounts() };
      };
      const before = await seen();
      if (status === 'translating') {
        await database.execute(`update batch_lots set status = 'translating', finished_at = null where job_id = $1`, [
          jobId,
        ]);
        await database.execute(`delete from batch_results where job_id = $1 and language = 'de'`, [jobId]);
      }
      // What a refusal has cost is counted by a transaction of its own.
      if (status !== 'failed') await database.execute('delete from job_usage where job_id = $1', [jobId]);
      await database.execute(
        `update batch_jobs set status = 'processing', stage = 'vision_analysis', awaiting_vision = 1, processed_lots = 0,
           failed_lots = 0, failures = '{}', processed_images = 0, completed_at = null, error = null,
           cost_usd = case when $2 then cost_usd else 0 end where id = $1`,
        [jobId, status === 'failed'],
      );
      await die(body);
      await takeOver();
      await heir.statusWhen(jobId, ended);
      const after = await seen();
      // A translating lot ends once more.
      const times = (seenOf: unknown) =>
        JSON.stringify(seenOf).replaceAll(/"processed_at":"[^"]+"/g, status === 'translating' ? '' : '$&');
      expect(times(after)).toEqual(times(before));
    },
  );

  it.each([
    ['photos that cannot be reached', 'IMAGE_UNREACHABLE', []],
    ['a refusal', 'OPENAI_API_ERROR', [{ action: 'refusal', count: 2 }]],
    [
      'an answer that is cut off',
      'OPENAI_API_ERROR',
      [{ action: 'incomplete', reason: 'max_output_tokens', count: 4 }],
    ],
    ['a refused request', 'OPENAI_API_ERROR', [{ action: 'status', status: 400, path: '/v1/responses', count: 2 }]],
  ] as const)('a client sees what ended its work elsewhere, %s', async (name, code, faults) => {
    // It looks whether its jobs are still its own every third of a lease.
    await withProcess({ SHUTDOWN_GRACE: '0.1', LEASE_SECONDS: '3' }, async (service) => {
      const gone = name.startsWith('photos');
      const lots = service.request()['lots'] as JsonObject[];
      const images = gone ? [{ url: service.photos.url('gone.jpg') }] : lots[0]?.['images'];
      const body = () => service.request({ lots: [{ lot_id: randomUUID(), images }] });
      // The job is held back while its photos exist; by the time another process works on it, they may be gone.
      const held = gone ? { ...body(), lots: [{ ...lotOf(body()), images: lots[0]?.['images'] }] } : body();
      await heir.faults(NEVER);
      const waiting = service.generate(held, { headers: key() });
      await heir.callsWhen((calls) => calls.length === 1);
      if (gone) {
        await heir.db.database.execute(`update batch_lot_inputs set images = $2 where job_id = $1`, [
          String((await heir.jobOfLot(held))?.['id']),
          JSON.stringify([service.photos.url('gone.jpg')]),
        ]);
      }
      await heir.faults(...faults);
      const jobId = await die(held);
      await takeOver();
      expect(await heir.statusWhen(jobId, ended)).toMatchObject({ status: 'failed' });
      const [stored, direct] = [await waiting, await heir.generate(body())];
      const members = gone
        ? {
            missing_images: [service.photos.url('gone.jpg')],
            photo_problems: [{ url: service.photos.url('gone.jpg'), reason: 'unreachable' }],
            message: expect.stringContaining('1 of 1 photos') as string,
          }
        : {};
      expectRefusal(direct, code, members);
      expectRefusal(stored, code, members);
      expect(stored.body).toEqual({ ...direct.body, ...idsOf(stored.body, direct.body) });
    });
  });
});

/** What differs between two answers to the same failure: the ids of the requests, ours and OpenAI's. */
function idsOf(stored: JsonObject, direct: JsonObject): JsonObject {
  const details = stored['details'] as JsonObject | undefined;
  const id = details?.['openai_request_id'];
  return {
    request_id: stored['request_id'] as string,
    ...(typeof id === 'string' ? { details: { ...(direct['details'] as JsonObject), openai_request_id: id } } : {}),
  };
}
