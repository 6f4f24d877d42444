import type { JsonObject } from 'openai-sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Retention } from '../../src/batch/upkeep/retention.js';
import { newId } from '../../src/common/ids.js';
import type { Transaction } from '../../src/database/database.service.js';
import { RetryStore } from '../../src/jobs/retry-store.js';
import type { JobColumns } from '../support/a-job.mjs';
import { insertJob, insertLot, type LotFixture } from '../jobs/fixtures.js';
import { expectRefusal, pathsOf } from '../e2e/refusal.js';
import { hmac, TestService, type Answer, type SendOptions } from '../support/service.js';

// Real: two processes' worth of the API on one PostgreSQL, HTTP, signatures. Made by hand: the jobs that have ended, and how
// retries end. There is no worker.

let service: TestService;
let other: TestService;

beforeAll(async () => {
  service = await TestService.start({ environment: { ROLE: 'api', MAX_ACTIVE_JOBS: '1000' } });
  other = await TestService.start({ environment: { ROLE: 'api', MAX_ACTIVE_JOBS: '1000' }, beside: service });
});
afterAll(async () => {
  await other.stop();
  await service.stop();
});

const failedWith = (code: string): LotFixture => ({ status: 'failed', error: { code, message: code } });
const UNREACHABLE = failedWith('IMAGE_UNREACHABLE');
const DEADLINE = failedWith('DEADLINE_EXCEEDED');
const DONE: LotFixture = {};
const OPEN: LotFixture = { status: 'processing' };

/** A job that has ended, with these lots: lot-0, lot-1 … */
async function endedJob(lots: readonly LotFixture[], change: JobColumns = {}): Promise<string> {
  const { database } = service.db;
  const failed = lots.filter(({ status }) => status === 'failed').length;
  const status = change.status ?? (failed === lots.length ? 'failed' : 'completed');
  const job = await insertJob(database, {
    ...change,
    status,
    stage: 'done',
    totalLots: lots.length,
    failedLots: failed,
    awaitingVision: 0,
    ...(status === 'cancelled' ? { cancelledAt: new Date() } : { completedAt: new Date() }),
  });
  for (const [position, lot] of lots.entries()) await insertLot(database, job.id, position, lot);
  await database.execute(
    `update batch_lot_inputs i set images = sent.images, additional_info = sent.info
     from unnest($2::int[], $3::json[], $4::text[]) as sent (position, images, info)
     where i.job_id = $1 and i.position = sent.position`,
    [
      job.id,
      [...lots.keys()],
      lots.map((_, position) => JSON.stringify([`https://cdn.test/${position}.jpg`, 'https://cdn.test/b.jpg'])),
      lots.map((_, position) => `Лот ${position}`),
    ],
  );
  return job.id;
}

/** Ends a retry as the worker would: these of its lots failed, the others were described. */
async function endRetry(jobId: string, failed: readonly string[], status = 'completed'): Promise<void> {
  const { database } = service.db;
  await database.execute(
    `update batch_lots set status = case when lot_id = any($2::text[]) then 'failed' else 'completed' end,
       error = case when lot_id = any($2::text[]) then '{"code": "REFUSED", "message": "refused"}'::jsonb end where job_id = $1`,
    [jobId, failed],
  );
  await database.execute('update batch_jobs set status = $2, completed_at = now() where id = $1', [jobId, status]);
  await database.execute(`update openai_batches set status = 'done' where job_id = $1`, [jobId]);
}

const pathOf = (jobId: string) => `/api/v1/batch-jobs/${jobId}/retry`;

let asked = 0;

/** Each has a key of its own, because two equal requests of one second would be one and its repeat. */
function retry(jobId: string, body?: unknown, options: SendOptions = {}, to = service): Promise<Answer> {
  const sent = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const headers = {
    'Idempotency-Key': `test-${++asked}`,
    ...(sent === '' ? {} : { 'Content-Type': 'application/json' }),
    ...options.headers,
  };
  return to.send(pathOf(jobId), { ...options, method: 'POST', headers }, sent);
}

async function retried(jobId: string, body?: unknown): Promise<string> {
  const answer = await retry(jobId, body);
  expect([answer.status, answer.body['code']]).toEqual([201, undefined]);
  return String(answer.body['job_id']);
}

/** What a job has of its lots, in the order of positions. */
async function lotsOf(jobId: string): Promise<string[]> {
  const rows = await service.db.database.query<{ lot: string; position: number }>(
    `select l.position, l.lot_id || ' ' || l.status || ' ' || i.additional_info || ' ' || (i.images->>0) as lot
     from batch_lots l join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position
     where l.job_id = $1 order by l.position`,
    [jobId],
  );
  expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index));
  return rows.map(({ lot }) => lot);
}
const lotOf = (n: number) => `lot-${n} pending Лот ${n} https://cdn.test/${n}.jpg`;

function expectNothing(answer: Answer, details: JsonObject): void {
  const all = { codes: expect.any(Object) as object, lots_in_other_retries: 0, retried_by: [], ...details };
  expectRefusal(answer, 'NOTHING_TO_RETRY', { details: all });
}

/** Resolves with the connection that waits for a lock, once one does. */
async function waiting(): Promise<number> {
  for (;;) {
    const [row] = await service.db.database.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (row !== undefined) return row.pid;
  }
}

describe('which lots a retry takes', () => {
  it('a retry takes all failed lots, and each keeps what was sent of it', async () => {
    const job = await endedJob([DONE, UNREACHABLE, DONE, DEADLINE]);
    expect(await lotsOf(await retried(job))).toEqual([lotOf(1), lotOf(3)]);
  });

  it('a retry takes lots by codes, by ids, and by both, and says what it leaves out', async () => {
    const job = await endedJob([UNREACHABLE, DEADLINE, DONE, DEADLINE, { ...UNREACHABLE, lotId: '17' }]);
    const dry = async (body: JsonObject) => {
      const answer = await retry(job, { dry_run: true, ...body });
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
    const answer = await retry(job, { lot_ids: ['lot-1', 'lot-2'], lotIds: [] });
    expect(answer.body).toMatchObject({
      total_lots: 1,
      warnings: ['unknown_member:lotIds (did you mean lot_ids?)', 'lots_not_chosen:1'],
    });
    expect(await dry({})).toEqual([200, 3, ['lots_in_other_retries:1']]);
    expect(await lotsOf(String(answer.body['job_id']))).toEqual([lotOf(1)]);
  });

  it('a retry takes the lots of a cancelled job that have no result only by the code CANCELLED', async () => {
    const job = await endedJob([OPEN, UNREACHABLE, DONE, { status: 'pending' }], { status: 'cancelled' });
    expect(await lotsOf(await retried(job))).toEqual([lotOf(1)]);
    const refusal = await retry(job, { lot_ids: ['lot-0'] });
    expectNothing(refusal, { codes: { CANCELLED: 2, IMAGE_UNREACHABLE: 1 } });
    expect(refusal.body['message']).toContain('codes: ["CANCELLED"]');
    expect(await lotsOf(await retried(job, { codes: ['CANCELLED'], lot_ids: ['lot-0'] }))).toEqual([lotOf(0)]);
    expect(await lotsOf(await retried(job, { codes: ['CANCELLED', 'IMAGE_UNREACHABLE'] }))).toEqual([lotOf(3)]);
  });

  it('a lot that a retry has in hand or has described is not taken again, whichever job of the chain is named', async () => {
    const first = await endedJob([UNREACHABLE, UNREACHABLE, UNREACHABLE]);
    const second = await retried(first);
    expectNothing(await retry(first), { lots_in_other_retries: 3, retried_by: [second] });
    await endRetry(second, ['lot-1', 'lot-2']);
    expect(await lotsOf(await retried(second, { lot_ids: ['lot-2'] }))).toEqual([lotOf(2)]);
    const third = await retried(first);
    expect(await lotsOf(third)).toEqual([lotOf(1)]);
    const taken = await retry(second, { lot_ids: ['lot-1'] });
    expectNothing(taken, { lots_in_other_retries: 1, retried_by: [third] });
    expect(taken.body['message']).toContain(third);
    await endRetry(third, ['lot-1'], 'failed');
    expect(await lotsOf(await retried(third))).toEqual([lotOf(1)]);
  });

  it('the lots of a retry that was cancelled may be taken again', async () => {
    const first = await endedJob([UNREACHABLE, UNREACHABLE]);
    const second = await retried(first);
    expect((await service.send(`/api/v1/batch-jobs/${second}/cancel`, { method: 'POST' })).status).toBe(200);
    expect(await lotsOf(await retried(second, { codes: ['CANCELLED'], lot_ids: ['lot-1'] }))).toEqual([lotOf(1)]);
    expect(await lotsOf(await retried(first))).toEqual([lotOf(0)]);
  });
});

describe('what a retry keeps', () => {
  it("a retry keeps the job's languages, options, metadata, webhooks and glossaries, and not how it was sent", async () => {
    const glossaries = { en: 'the first', de: 'the first' };
    const wanted = { include: ['usage', 'notes'], webhook_events: ['batch_job_progress'], max_cost_usd: 7 } as const;
    const job = await endedJob([{ ...UNREACHABLE, webhook: 'https://one.test/hook' }, DEADLINE], {
      languages: ['de', 'en', 'fi'],
      options: { ...wanted, idempotent: true, warnings: ['unknown_member:x'] },
      metadata: { auction: 'A-17' },
      webhookUrl: 'https://all.test/hook',
      glossaries,
    });
    const jobId = await retried(job);
    const row = await service.job(jobId);
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
    expect(await service.db.database.query(webhooks, [jobId])).toEqual([
      { webhook: 'https://one.test/hook' },
      { webhook: null },
    ]);
    expect(await service.db.database.query('select status from openai_batches where job_id = $1', [jobId])).toEqual([
      { status: 'checking_photos' },
    ]);
  });

  it("a synchronous job's lot is retried as a batch", async () => {
    const refusedLot = service.request({}, { images: [service.photos.url('gone.jpg')] });
    expect((await service.generate(refusedLot)).status).toBe(400);
    const job = String((await service.jobOfLot(refusedLot))?.['id']);
    const answer = await retry(job);
    expect(answer.body).toMatchObject({ processing_mode: 'batch', total_lots: 1, retry_of: job });
  });

  it('the estimate of a retry knows the photos that were seen before', async () => {
    const job = await endedJob([{ ...UNREACHABLE, processedImages: 2 }, UNREACHABLE]);
    const estimate = async () => Number((await retry(job, { dry_run: true })).body['estimated_cost_usd']);
    const tokens = (n: number | null) =>
      service.db.database.execute('update batch_lots set photo_tokens = $2 where job_id = $1 and position = 0', [
        job,
        n,
      ]);
    const unseen = await estimate();
    await tokens(2 * 1100);
    expect(await estimate()).toBe(unseen);
    await tokens(200);
    const small = await estimate();
    expect(small).toBeLessThan(unseen);
    const answer = await retry(job);
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
    const job = await endedJob([UNREACHABLE]);
    const before = await service.rowCounts();
    const answer = await retry(job, body);
    expect([answer.status, answer.body['code'], pathsOf(answer.body)]).toEqual([400, 'VALIDATION_FAILED', paths]);
    expect(await service.rowCounts()).toEqual(before);
  });

  it('a retry is refused while its job runs, with the state that the job is in', async () => {
    const { id } = await insertJob(service.db.database, {});
    await insertLot(service.db.database, id, 0, UNREACHABLE);
    expectRefusal(await retry(id), 'JOB_NOT_FINISHED', { status: 'processing' });
    expectRefusal(await retry(id, { dry_run: true }), 'JOB_NOT_FINISHED', { status: 'processing' });
  });

  it('a retry of a job of another key, of one that is not there and of one that was removed is a 404', async () => {
    const job = await endedJob([UNREACHABLE]);
    expectRefusal(await retry(job, {}, { keyId: 'beta' }), 'JOB_NOT_FOUND');
    expectRefusal(await retry('01890000-0000-7000-8000-000000000000'), 'JOB_NOT_FOUND');
    expectRefusal(await retry('nothing'), 'JOB_NOT_FOUND');
    // As retention begins its removal.
    await service.db.database.execute(`update batch_jobs set key_id = '' where id = $1`, [job]);
    expectRefusal(await retry(job), 'JOB_NOT_FOUND');
  });

  it('a retry of a lot that the job does not have takes none', async () => {
    const job = await endedJob([UNREACHABLE]);
    const hostile = `'; drop table batch_jobs; --<script>`;
    expectRefusal(await retry(job, { lot_ids: ['lot-0', hostile] }), 'LOT_NOT_FOUND', {
      details: { lot_ids: [hostile] },
    });
    expectRefusal(await retry(job, { lot_ids: [hostile], dry_run: true }), 'LOT_NOT_FOUND', {
      details: { lot_ids: [hostile] },
    });
    expect(await lotsOf(await retried(job))).toEqual([lotOf(0)]);
  });

  it('a retry of a job without such lots is refused, and the refusal counts those that there are', async () => {
    const done = await endedJob([DONE]);
    expectNothing(await retry(done), { codes: {} });
    const job = await endedJob([UNREACHABLE, DEADLINE, DEADLINE, DONE]);
    for (const body of [{ codes: ['REFUSED'] }, { lot_ids: ['lot-3'] }, { codes: ['CANCELLED'], dry_run: true }]) {
      expectNothing(await retry(job, body), { codes: { DEADLINE_EXCEEDED: 2, IMAGE_UNREACHABLE: 1 } });
    }
  });

  it('a retry is judged by the limit of its job anew, and a dry run says so', async () => {
    const job = await endedJob([UNREACHABLE], { options: { max_cost_usd: 0.000001 } });
    const before = await service.rowCounts();
    const dry = await retry(job, { dry_run: true });
    expect(dry.body).toMatchObject({ lots: 1, warnings: ['estimate_above_max_cost_usd'] });
    const answer = await retry(job);
    expect([answer.status, answer.body['code']]).toEqual([422, 'COST_LIMIT_EXCEEDED']);
    expect(answer.body['estimated_cost_usd']).toBeCloseTo(Number(dry.body['estimated_cost_usd']), 5);
    expect(await service.rowCounts()).toEqual(before);
  });

  it('a retry is one of the unfinished jobs that a key may have, and one of its batches a minute', async () => {
    const job = await endedJob([UNREACHABLE, UNREACHABLE]);
    const environment = { ROLE: 'api', MAX_ACTIVE_JOBS: '1', RATE_LIMIT_BATCH: '3' };
    const strict = await TestService.start({ environment, beside: service });
    try {
      await service.db.database.execute(
        `update batch_jobs set status = 'completed', completed_at = now() where status not in ('completed', 'failed', 'cancelled')`,
      );
      expect((await retry(job, { lot_ids: ['lot-0'] }, {}, strict)).status).toBe(201);
      const full = await retry(job, { lot_ids: ['lot-1'] }, {}, strict);
      expectRefusal(full, 'TOO_MANY_ACTIVE_JOBS', { details: { max_active_jobs: 1 } });
      expect(full.headers.get('retry-after')).toBe('60');
      expect((await retry(job, { dry_run: true }, {}, strict)).status).toBe(200);
      expectRefusal(await retry(job, {}, {}, strict), 'RATE_LIMITED');
    } finally {
      await strict.stop();
    }
  });

  it('a retry is signed as a request, not by its job id, and nothing is looked up before', async () => {
    const job = await endedJob([UNREACHABLE]);
    const path = pathOf(job);
    const before = await service.rowCounts();
    const old = await service.sendAsIs(path, 'POST', { 'X-Signature': `sha256=${hmac(job)}` });
    expect([old.status, old.body['code']]).toEqual([403, 'INVALID_SIGNATURE']);
    expect((await service.sendAsIs(path, 'POST', {})).status).toBe(401);
    expect(await service.rowCounts()).toEqual(before);
  });
});

describe('repeats of a retry', () => {
  it('a repeat gets the same job: with the same key, or with the same signature', async () => {
    const job = await endedJob([UNREACHABLE, UNREACHABLE, DEADLINE]);
    const keyed = (body: JsonObject) => retry(job, body, { headers: { 'Idempotency-Key': 'once' } });
    const first = await keyed({ lot_ids: ['lot-0'] });
    const again = await keyed({ lot_ids: ['lot-0'] });
    expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    expect(again.body).toEqual(first.body);
    expectRefusal(await keyed({ lot_ids: ['lot-1'] }), 'IDEMPOTENCY_KEY_REUSED');
    const at = Math.floor(Date.now() / 1000);
    const signed = () => service.send(pathOf(job), { method: 'POST', at });
    const one = await signed();
    const same = await signed();
    expect([one.status, same.status, same.headers.get('idempotent-replayed')]).toEqual([201, 201, 'true']);
    expect(same.body['job_id']).toBe(one.body['job_id']);
    expect(one.body['total_lots']).toBe(2);
  });

  it('a dry run uses no key up, and a retry that failed is not remembered', async () => {
    const job = await endedJob([UNREACHABLE]);
    const keyed = (body: JsonObject) => retry(job, body, { headers: { 'Idempotency-Key': 'twice' } });
    expect((await keyed({ dry_run: true })).status).toBe(200);
    const first = await keyed({});
    expect(first.status).toBe(201);
    await endRetry(String(first.body['job_id']), ['lot-0'], 'failed');
    const second = await keyed({});
    expect([second.status, second.headers.get('idempotent-replayed')]).toEqual([201, null]);
    expect(second.body['job_id']).not.toBe(first.body['job_id']);
  });
});

describe('retries at the same moment', () => {
  /** Sends all of them at once, to both processes in turn. */
  const together = (jobs: readonly [jobId: string, body: JsonObject][]) =>
    Promise.all(jobs.map(([jobId, body], index) => retry(jobId, body, {}, index % 2 === 0 ? service : other)));

  it('of retries at the same moment one gets the lots, and the others name it', async () => {
    const job = await endedJob([UNREACHABLE, DEADLINE, DEADLINE]);
    const answers = await together(Array.from({ length: 8 }, () => [job, {}]));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    const winner = String(made[0]?.body['job_id']);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectNothing(answer, { lots_in_other_retries: 3, retried_by: [winner] });
    }
    expect(await lotsOf(winner)).toEqual([lotOf(0), lotOf(1), lotOf(2)]);
  });

  it('retries of several jobs of a chain at the same moment take each lot once', async () => {
    const lots = Array.from({ length: 30 }, () => UNREACHABLE);
    const first = await endedJob(lots);
    const second = await retried(first);
    const ids = lots.map((_, index) => `lot-${index}`);
    await endRetry(second, ids, 'failed');
    const some = (from: number) => ({ lot_ids: ids.slice(from, from + 20) });
    const answers = await together([
      [first, some(0)],
      [second, some(10)],
      [second, some(5)],
      [first, some(8)],
      [second, {}],
    ]);
    expect(answers.every(({ status }) => status === 201 || status === 422)).toBe(true);
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => String(body['job_id']));
    const taken = (await Promise.all(made.map((jobId) => lotsOf(jobId)))).flat();
    expect(taken.toSorted()).toEqual(ids.map((_, index) => lotOf(index)).toSorted());
  });

  it('retries that wait for each other leave connections to everybody else', async () => {
    const job = await endedJob([UNREACHABLE]);
    const small = await TestService.start({ environment: { ROLE: 'api', DATABASE_POOL: '2' }, beside: service });
    try {
      const store = service.app.get(RetryStore, { strict: false });
      let sent: Promise<Answer>[] = [];
      await service.db.database.transaction(async (tx) => {
        await store.lockRoot(tx, job);
        sent = [retry(job, {}, {}, small)];
        await waiting();
        sent.push(...Array.from({ length: 4 }, () => retry(job, {}, {}, small)));
        for (let look = 0; look < 10; look++) {
          const status = await small.send(`/api/v1/batch-status/${job}`, { signal: AbortSignal.timeout(20_000) });
          expect(status.status).toBe(200);
        }
      });
      const statuses = (await Promise.all(sent)).map(({ status }) => status);
      expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 422, 422, 422, 422]);
    } finally {
      await small.stop();
    }
  });

  it('a retry that ends in vain while the next one is being made keeps its lots', async () => {
    const job = await endedJob([UNREACHABLE, DEADLINE]);
    const first = await retried(job, { lot_ids: ['lot-0'] });
    const store = service.app.get(RetryStore, { strict: false });
    const source = { id: job, status: 'failed', rootId: job } as const;
    const taken = await service.db.database.transaction((tx) => {
      const endingBetween: Transaction = {
        ...tx,
        async execute(text, values) {
          const changed = await tx.execute(text, values);
          await endRetry(first, ['lot-0'], 'failed');
          return changed;
        },
      };
      return store.take(endingBetween, source, { codes: null, lotIds: null }, newId());
    });
    expect(taken).toMatchObject({ lots: 1, elsewhere: 1, retries: [first] });
    const [{ job_id: second } = {}] = await service.db.database.query<{ job_id: string }>(
      `select job_id from lot_retries where root_id = $1 and job_id <> $2`,
      [job, first],
    );
    expectNothing(await retry(job, { lot_ids: ['lot-1'] }), { lots_in_other_retries: 1, retried_by: [second] });
    expect(await lotsOf(await retried(job))).toEqual([lotOf(0)]);
  });
});

describe('a process that dies in the middle of a retry', () => {
  it.each(['lot_retries', 'batch_jobs', 'batch_lots', 'batch_lot_inputs', 'openai_batches'])(
    'nothing of a retry is there when its connection is gone before it has written to %s, and the next one takes all',
    async (table) => {
      const job = await endedJob([UNREACHABLE, DEADLINE]);
      const before = await service.rowCounts();
      await service.db.database.transaction(async (tx) => {
        // Readers pass, writers wait.
        await tx.execute(`lock table ${table} in share mode`);
        const dying = retry(job);
        await tx.execute('select pg_terminate_backend($1::int)', [await waiting()]);
        expect((await dying).status).toBeGreaterThanOrEqual(500);
      });
      expect(await service.rowCounts()).toEqual(before);
      expect(await lotsOf(await retried(job))).toEqual([lotOf(0), lotOf(1)]);
    },
  );
});

describe('a retry and retention', () => {
  it('the claims of a retry go with it, so that its lots may be taken again', async () => {
    const first = await endedJob([UNREACHABLE]);
    const second = await retried(first);
    await endRetry(second, []);
    expectNothing(await retry(first), { lots_in_other_retries: 1, retried_by: [second] });
    await service.db.database.execute(
      `update batch_jobs set completed_at = now() - interval '1000 days' where id = $1`,
      [second],
    );
    const worker = await TestService.start({ environment: { ROLE: 'worker' }, beside: service });
    try {
      const retention = worker.app.get(Retention, { strict: false });
      while (await retention.step());
    } finally {
      await worker.stop();
    }
    const left = 'select 1 from lot_retries where job_id = $1 union all select 1 from batch_jobs where id = $1';
    expect(await service.db.database.query(left, [second])).toEqual([]);
    expect(await lotsOf(await retried(first))).toEqual([lotOf(0)]);
  });
});
