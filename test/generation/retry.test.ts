import type { JsonObject } from 'openai-sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, pathsOf } from '../e2e/refusal.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { hmac, TestService } from '../support/service.js';
import { DEADLINE, DONE, OPEN, UNREACHABLE, expectNothing, lotOf, pathOf, RetryRig } from './retry-rig.js';

// Real: two processes' worth of the API on one PostgreSQL, HTTP, signatures.

let rig: RetryRig;

beforeAll(async () => {
  rig = await RetryRig.start();
});
afterAll(() => rig.stop());

describe('which lots a retry takes', () => {
  it('a retry takes all failed lots, and each keeps what was sent of it', async () => {
    const job = await rig.endedJob([DONE, UNREACHABLE, DONE, DEADLINE]);
    expect(await rig.lotsOf(await rig.retried(job))).toEqual([lotOf(1), lotOf(3)]);
  });

  it('a retry takes lots by codes, by ids, and by both, and says what it leaves out', async () => {
    const job = await rig.endedJob([UNREACHABLE, DEADLINE, DONE, DEADLINE, { ...UNREACHABLE, lotId: '17' }]);
    const dry = async (body: JsonObject) => {
      const answer = await rig.retry(job, { dry_run: true, ...body });
      return [answer.status, answer.body['lots'], answer.body['warnings']];
    };
    expect(await dry({})).toEqual([200, 4, []]);
    expect(await dry({ codes: ['DEADLINE_EXCEEDED'] })).toEqual([200, 2, []]);
    expect(await dry({ codes: ['DEADLINE_EXCEEDED', 'IMAGE_UNREACHABLE'] })).toEqual([200, 4, []]);
    expect(await dry({ lot_ids: [17, 'lot-0'] })).toEqual([200, 2, []]);
    expect(await dry({ lot_ids: ['lot-1', 'lot-2', 'lot-2'] })).toEqual([200, 1, ['lots_not_chosen:1']]);
    expect(await dry({ lot_ids: ['lot-0', 'lot-1'], codes: ['DEADLINE_EXCEEDED'] })).toEqual([
      200,
      1,
      ['lots_not_chosen:1'],
    ]);
    expect(await dry({ dryrun: true, codes: null })).toEqual([
      200,
      4,
      ['unknown_member:dryrun (did you mean dry_run?)'],
    ]);
    const answer = await rig.retry(job, { lot_ids: ['lot-1', 'lot-2'], lotIds: [] });
    expect(answer.body).toMatchObject({
      total_lots: 1,
      warnings: ['unknown_member:lotIds (did you mean lot_ids?)', 'lots_not_chosen:1'],
    });
    expect(await dry({})).toEqual([200, 3, ['lots_in_other_retries:1']]);
    expect(await rig.lotsOf(String(answer.body['job_id']))).toEqual([lotOf(1)]);
  });

  it('a retry takes the lots of a cancelled job that have no result only by the code CANCELLED', async () => {
    const job = await rig.endedJob([OPEN, UNREACHABLE, DONE, { status: 'pending' }], { status: 'cancelled' });
    expect(await rig.lotsOf(await rig.retried(job))).toEqual([lotOf(1)]);
    const refusal = await rig.retry(job, { lot_ids: ['lot-0'] });
    expectNothing(refusal, { codes: { CANCELLED: 2, IMAGE_UNREACHABLE: 1 } });
    expect(refusal.body['message']).toContain('codes: ["CANCELLED"]');
    expect(await rig.lotsOf(await rig.retried(job, { codes: ['CANCELLED'], lot_ids: ['lot-0'] }))).toEqual([lotOf(0)]);
    expect(await rig.lotsOf(await rig.retried(job, { codes: ['CANCELLED', 'IMAGE_UNREACHABLE'] }))).toEqual([lotOf(3)]);
  });

  it('a lot that a retry has in hand or has described is not taken again, whichever job of the chain is named', async () => {
    const first = await rig.endedJob([UNREACHABLE, UNREACHABLE, UNREACHABLE]);
    const second = await rig.retried(first);
    expectNothing(await rig.retry(first), { lots_in_other_retries: 3, retried_by: [second] });
    await rig.endRetry(second, ['lot-1', 'lot-2']);
    expect(await rig.lotsOf(await rig.retried(second, { lot_ids: ['lot-2'] }))).toEqual([lotOf(2)]);
    const third = await rig.retried(first);
    expect(await rig.lotsOf(third)).toEqual([lotOf(1)]);
    const taken = await rig.retry(second, { lot_ids: ['lot-1'] });
    expectNothing(taken, { lots_in_other_retries: 1, retried_by: [third] });
    expect(taken.body['message']).toContain(third);
    await rig.endRetry(third, ['lot-1'], 'failed');
    expect(await rig.lotsOf(await rig.retried(third))).toEqual([lotOf(1)]);
  });

  it('the lots of a retry that was cancelled may be taken again', async () => {
    const first = await rig.endedJob([UNREACHABLE, UNREACHABLE]);
    const second = await rig.retried(first);
    expect((await rig.service.send(`/api/v1/batch-jobs/${second}/cancel`, { method: 'POST' })).status).toBe(200);
    expect(await rig.lotsOf(await rig.retried(second, { codes: ['CANCELLED'], lot_ids: ['lot-1'] }))).toEqual([
      lotOf(1),
    ]);
    expect(await rig.lotsOf(await rig.retried(first))).toEqual([lotOf(0)]);
  });
});

describe('what a retry keeps', () => {
  it("a retry keeps the job's languages, options, metadata, webhooks and glossaries, and not how it was sent", async () => {
    const glossaries = { en: 'the first', de: 'the first' };
    const wanted = { include: ['usage', 'notes'], webhook_events: ['batch_job_progress'], max_cost_usd: 7 } as const;
    const job = await rig.endedJob([{ ...UNREACHABLE, webhook: 'https://one.test/hook' }, DEADLINE], {
      languages: ['de', 'en', 'fi'],
      options: { ...wanted, idempotent: true, warnings: ['unknown_member:x'] },
      metadata: { auction: 'A-17' },
      webhookUrl: 'https://all.test/hook',
      glossaries,
    });
    const jobId = await rig.retried(job);
    const row = await rig.service.job(jobId);
    expect(row).toMatchObject({
      key_id: 'acme',
      mode: 'batch',
      languages: ['de', 'en', 'fi'],
      options: wanted,
      metadata: { auction: 'A-17' },
      webhook_url: 'https://all.test/hook',
      total_lots: 2,
      awaiting_images: 2,
      total_images: '4',
      retry_of: job,
    });
    // A language that had no version gets one as a new job would.
    expect(row['glossaries']).toMatchObject(glossaries);
    const webhooks = 'select webhook from batch_lot_inputs where job_id = $1 order by position';
    expect(await rig.service.db.database.query(webhooks, [jobId])).toEqual([
      { webhook: 'https://one.test/hook' },
      { webhook: null },
    ]);
    expect(await rig.service.db.database.query('select status from openai_batches where job_id = $1', [jobId])).toEqual(
      [{ status: 'checking_photos' }],
    );
  });

  it("a synchronous job's lot is retried as a batch", async () => {
    const refusedLot = rig.service.request({}, { images: [rig.service.photos.url('gone.jpg')] });
    expect((await rig.service.generate(refusedLot)).status).toBe(400);
    const job = String((await rig.service.jobOfLot(refusedLot))?.['id']);
    const answer = await rig.retry(job);
    expect(answer.body).toMatchObject({ processing_mode: 'batch', total_lots: 1, retry_of: job });
  });

  it('the estimate of a retry knows the photos that were seen before', async () => {
    const job = await rig.endedJob([{ ...UNREACHABLE, processedImages: 2 }, UNREACHABLE]);
    const estimate = async () => Number((await rig.retry(job, { dry_run: true })).body['estimated_cost_usd']);
    const tokens = (n: number | null) =>
      rig.service.db.database.execute('update batch_lots set photo_tokens = $2 where job_id = $1 and position = 0', [
        job,
        n,
      ]);
    const unseen = await estimate();
    await tokens(2 * 1100);
    expect(await estimate()).toBe(unseen);
    await tokens(200);
    const small = await estimate();
    expect(small).toBeLessThan(unseen);
    const answer = await rig.retry(job);
    expect(answer.body['estimated_cost_usd']).toBe(small);
  });
});

describe('what a retry is refused for', () => {
  it.each([
    ['no object', '[]', ['body']],
    ['a text', '"all"', ['body']],
    ['no list', { codes: 'IMAGE_UNREACHABLE' }, ['codes']],
    ['an empty list', { codes: [] }, ['codes']],
    ['a code that there is not', { codes: ['IMAGE_UNREACHABLE', 'image_unreachable'] }, ['codes']],
    ['empty lists', { codes: [], lot_ids: [] }, ['codes', 'lot_ids']],
    [
      'lots that are no ids',
      { lot_ids: ['a', '', 'x'.repeat(101), 'a\0', '\ud800', 1.5, 2 ** 53, null, {}] },
      ['lot_ids[1]', 'lot_ids[2]', 'lot_ids[3]', 'lot_ids[4]', 'lot_ids[5]', 'lot_ids[6]', 'lot_ids[7]', 'lot_ids[8]'],
    ],
    ['a dry run that is a text', { dry_run: 'true' }, ['dry_run']],
  ])('a retry is refused for a body that is %s', async (_what, body, paths) => {
    const job = await rig.endedJob([UNREACHABLE]);
    const before = await rig.service.rowCounts();
    const answer = await rig.retry(job, body);
    expect([answer.status, answer.body['code'], pathsOf(answer.body)]).toEqual([400, 'VALIDATION_FAILED', paths]);
    expect(await rig.service.rowCounts()).toEqual(before);
  });

  it('a retry is refused while its job runs, with the state that the job is in', async () => {
    const { id } = await insertJob(rig.service.db.database, {});
    await insertLot(rig.service.db.database, id, 0, UNREACHABLE);
    expectRefusal(await rig.retry(id), 'JOB_NOT_FINISHED', { status: 'processing' });
    expectRefusal(await rig.retry(id, { dry_run: true }), 'JOB_NOT_FINISHED', { status: 'processing' });
  });

  it('a retry of a job of another key, of one that is not there and of one that was removed is a 404', async () => {
    const job = await rig.endedJob([UNREACHABLE]);
    expectRefusal(await rig.retry(job, {}, { keyId: 'beta' }), 'JOB_NOT_FOUND');
    expectRefusal(await rig.retry('01890000-0000-7000-8000-000000000000'), 'JOB_NOT_FOUND');
    expectRefusal(await rig.retry('nothing'), 'JOB_NOT_FOUND');
    // As retention begins its removal.
    await rig.service.db.database.execute(`update batch_jobs set key_id = '' where id = $1`, [job]);
    expectRefusal(await rig.retry(job), 'JOB_NOT_FOUND');
  });

  it('a retry of a lot that the job does not have takes none', async () => {
    const job = await rig.endedJob([UNREACHABLE]);
    const hostile = `'; drop table batch_jobs; --<script>`;
    expectRefusal(await rig.retry(job, { lot_ids: ['lot-0', hostile] }), 'LOT_NOT_FOUND', {
      details: { lot_ids: [hostile] },
    });
    expectRefusal(await rig.retry(job, { lot_ids: [hostile], dry_run: true }), 'LOT_NOT_FOUND', {
      details: { lot_ids: [hostile] },
    });
    expect(await rig.lotsOf(await rig.retried(job))).toEqual([lotOf(0)]);
  });

  it('a retry of a job without such lots is refused, and the refusal counts those that there are', async () => {
    const done = await rig.endedJob([DONE]);
    expectNothing(await rig.retry(done), { codes: {} });
    const job = await rig.endedJob([UNREACHABLE, DEADLINE, DEADLINE, DONE]);
    for (const body of [{ codes: ['REFUSED'] }, { lot_ids: ['lot-3'] }, { codes: ['CANCELLED'], dry_run: true }]) {
      expectNothing(await rig.retry(job, body), { codes: { DEADLINE_EXCEEDED: 2, IMAGE_UNREACHABLE: 1 } });
    }
  });

  it('a retry is judged by the limit of its job anew, and a dry run says so', async () => {
    const job = await rig.endedJob([UNREACHABLE], { options: { max_cost_usd: 0.000001 } });
    const before = await rig.service.rowCounts();
    const dry = await rig.retry(job, { dry_run: true });
    expect(dry.body).toMatchObject({ lots: 1, warnings: ['estimate_above_max_cost_usd'] });
    const answer = await rig.retry(job);
    expect([answer.status, answer.body['code']]).toEqual([422, 'COST_LIMIT_EXCEEDED']);
    expect(answer.body['estimated_cost_usd']).toBeCloseTo(Number(dry.body['estimated_cost_usd']), 5);
    expect(await rig.service.rowCounts()).toEqual(before);
  });

  it('a retry is one of the unfinished jobs that a key may have, and one of its batches a minute', async () => {
    const job = await rig.endedJob([UNREACHABLE, UNREACHABLE]);
    const environment = { ROLE: 'api', MAX_ACTIVE_JOBS: '1', RATE_LIMIT_BATCH: '3' };
    const strict = await TestService.start({ environment, beside: rig.service });
    try {
      await rig.service.db.database.execute(
        `update batch_jobs set status = 'completed', completed_at = now() where status not in ('completed', 'failed', 'cancelled')`,
      );
      expect((await rig.retry(job, { lot_ids: ['lot-0'] }, {}, strict)).status).toBe(201);
      const full = await rig.retry(job, { lot_ids: ['lot-1'] }, {}, strict);
      expectRefusal(full, 'TOO_MANY_ACTIVE_JOBS', { details: { max_active_jobs: 1 } });
      expect(full.headers.get('retry-after')).toBe('60');
      expect((await rig.retry(job, { dry_run: true }, {}, strict)).status).toBe(200);
      expectRefusal(await rig.retry(job, {}, {}, strict), 'RATE_LIMITED');
    } finally {
      await strict.stop();
    }
  });

  it('a retry is signed as a request, not by its job id, and nothing is looked up before', async () => {
    const job = await rig.endedJob([UNREACHABLE]);
    const path = pathOf(job);
    const before = await rig.service.rowCounts();
    const old = await rig.service.sendAsIs(path, 'POST', { 'X-Signature': `sha256=${hmac(job)}` });
    expect([old.status, old.body['code']]).toEqual([403, 'INVALID_SIGNATURE']);
    expect((await rig.service.sendAsIs(path, 'POST', {})).status).toBe(401);
    expect(await rig.service.rowCounts()).toEqual(before);
  });
});
