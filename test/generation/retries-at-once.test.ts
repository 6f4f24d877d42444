import type { JsonObject } from 'openai-sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Retention } from '../../src/batch/upkeep/retention.js';
import { newId } from '../../src/common/ids.js';
import type { Transaction } from '../../src/database/database.service.js';
import { RetryStore } from '../../src/jobs/retry-store.js';
import { expectRefusal } from '../e2e/refusal.js';
import { TestService, type Answer } from '../support/service.js';
import { DEADLINE, UNREACHABLE, expectNothing, lotOf, pathOf, RetryRig } from './retry-rig.js';

// Real: two processes' worth of the API on one PostgreSQL, HTTP, signatures, and processes that die.

let rig: RetryRig;

beforeAll(async () => {
  rig = await RetryRig.start();
});
afterAll(() => rig.stop());

describe('repeats of a retry', () => {
  it('a repeat gets the same job: with the same key, or with the same signature', async () => {
    const job = await rig.endedJob([UNREACHABLE, UNREACHABLE, DEADLINE]);
    const keyed = (body: JsonObject) => rig.retry(job, body, { headers: { 'Idempotency-Key': 'once' } });
    const first = await keyed({ lot_ids: ['lot-0'] });
    const again = await keyed({ lot_ids: ['lot-0'] });
    expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    expect(again.body).toEqual(first.body);
    expectRefusal(await keyed({ lot_ids: ['lot-1'] }), 'IDEMPOTENCY_KEY_REUSED');
    const at = Math.floor(Date.now() / 1000);
    const signed = () => rig.service.send(pathOf(job), { method: 'POST', at });
    const one = await signed();
    const same = await signed();
    expect([one.status, same.status, same.headers.get('idempotent-replayed')]).toEqual([201, 201, 'true']);
    expect(same.body['job_id']).toBe(one.body['job_id']);
    expect(one.body['total_lots']).toBe(2);
  });

  it('a dry run uses no key up, and a retry that failed is not remembered', async () => {
    const job = await rig.endedJob([UNREACHABLE]);
    const keyed = (body: JsonObject) => rig.retry(job, body, { headers: { 'Idempotency-Key': 'twice' } });
    expect((await keyed({ dry_run: true })).status).toBe(200);
    const first = await keyed({});
    expect(first.status).toBe(201);
    await rig.endRetry(String(first.body['job_id']), ['lot-0'], 'failed');
    const second = await keyed({});
    expect([second.status, second.headers.get('idempotent-replayed')]).toEqual([201, null]);
    expect(second.body['job_id']).not.toBe(first.body['job_id']);
  });
});

describe('retries at the same moment', () => {
  /** Sends all of them at once, to both processes in turn. */
  const together = (jobs: readonly [jobId: string, body: JsonObject][]) =>
    Promise.all(
      jobs.map(([jobId, body], index) => rig.retry(jobId, body, {}, index % 2 === 0 ? rig.service : rig.other)),
    );

  it('of retries at the same moment one gets the lots, and the others name it', async () => {
    const job = await rig.endedJob([UNREACHABLE, DEADLINE, DEADLINE]);
    const answers = await together(Array.from({ length: 8 }, () => [job, {}]));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    const winner = String(made[0]?.body['job_id']);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectNothing(answer, { lots_in_other_retries: 3, retried_by: [winner] });
    }
    expect(await rig.lotsOf(winner)).toEqual([lotOf(0), lotOf(1), lotOf(2)]);
  });

  it('retries of several jobs of a chain at the same moment take each lot once', async () => {
    const lots = Array.from({ length: 30 }, () => UNREACHABLE);
    const first = await rig.endedJob(lots);
    const second = await rig.retried(first);
    const ids = lots.map((_, index) => `lot-${index}`);
    await rig.endRetry(second, ids, 'failed');
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
    const taken = (await Promise.all(made.map((jobId) => rig.lotsOf(jobId)))).flat();
    expect(taken.toSorted()).toEqual(ids.map((_, index) => lotOf(index)).toSorted());
  });

  it('retries that wait for each other leave connections to everybody else', async () => {
    const job = await rig.endedJob([UNREACHABLE]);
    const small = await TestService.start({ environment: { ROLE: 'api', DATABASE_POOL: '2' }, beside: rig.service });
    try {
      const store = rig.service.app.get(RetryStore, { strict: false });
      let sent: Promise<Answer>[] = [];
      await rig.service.db.database.transaction(async (tx) => {
        await store.lockRoot(tx, job);
        sent = [rig.retry(job, {}, {}, small)];
        await rig.waiting();
        sent.push(...Array.from({ length: 4 }, () => rig.retry(job, {}, {}, small)));
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
    const job = await rig.endedJob([UNREACHABLE, DEADLINE]);
    const first = await rig.retried(job, { lot_ids: ['lot-0'] });
    const store = rig.service.app.get(RetryStore, { strict: false });
    const source = { id: job, status: 'failed', rootId: job } as const;
    const taken = await rig.service.db.database.transaction((tx) => {
      const endingBetween: Transaction = {
        ...tx,
        async execute(text, values) {
          const changed = await tx.execute(text, values);
          await rig.endRetry(first, ['lot-0'], 'failed');
          return changed;
        },
      };
      return store.take(endingBetween, source, { codes: null, lotIds: null }, newId());
    });
    expect(taken).toMatchObject({ lots: 1, elsewhere: 1, retries: [first] });
    const [{ job_id: second } = {}] = await rig.service.db.database.query<{ job_id: string }>(
      `select job_id from lot_retries where root_id = $1 and job_id <> $2`,
      [job, first],
    );
    expectNothing(await rig.retry(job, { lot_ids: ['lot-1'] }), { lots_in_other_retries: 1, retried_by: [second] });
    expect(await rig.lotsOf(await rig.retried(job))).toEqual([lotOf(0)]);
  });
});

describe('a process that dies in the middle of a retry', () => {
  it.each(['lot_retries', 'batch_jobs', 'batch_lots', 'batch_lot_inputs', 'openai_batches'])(
    'nothing of a retry is there when its connection is gone before it has written to %s, and the next one takes all',
    async (table) => {
      const job = await rig.endedJob([UNREACHABLE, DEADLINE]);
      const before = await rig.service.rowCounts();
      await rig.service.db.database.transaction(async (tx) => {
        // Readers pass, writers wait.
        await tx.execute(`lock table ${table} in share mode`);
        const dying = rig.retry(job);
        await tx.execute('select pg_terminate_backend($1::int)', [await rig.waiting()]);
        expect((await dying).status).toBeGreaterThanOrEqual(500);
      });
      expect(await rig.service.rowCounts()).toEqual(before);
      expect(await rig.lotsOf(await rig.retried(job))).toEqual([lotOf(0), lotOf(1)]);
    },
  );
});

describe('a retry and retention', () => {
  it('the claims of a retry go with it, so that its lots may be taken again', async () => {
    const first = await rig.endedJob([UNREACHABLE]);
    const second = await rig.retried(first);
    await rig.endRetry(second, []);
    expectNothing(await rig.retry(first), { lots_in_other_retries: 1, retried_by: [second] });
    await rig.service.db.database.execute(
      `update batch_jobs set completed_at = now() - interval '1000 days' where id = $1`,
      [second],
    );
    const worker = await TestService.start({ environment: { ROLE: 'worker' }, beside: rig.service });
    try {
      const retention = worker.app.get(Retention, { strict: false });
      while (await retention.step());
    } finally {
      await worker.stop();
    }
    const left = 'select 1 from lot_retries where job_id = $1 union all select 1 from batch_jobs where id = $1';
    expect(await rig.service.db.database.query(left, [second])).toEqual([]);
    expect(await rig.lotsOf(await rig.retried(first))).toEqual([lotOf(0)]);
  });
});
