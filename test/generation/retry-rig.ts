import type { JsonObject } from 'openai-sandbox';
import { expect } from 'vitest';
import { expectRefusal } from '../e2e/refusal.js';
import { insertJob, insertLot, type LotFixture } from '../jobs/fixtures.js';
import type { JobColumns } from '../support/a-job.mjs';
import { TestService, type Answer, type SendOptions } from '../support/service.js';

const failedWith = (code: string): LotFixture => ({ status: 'failed', error: { code, message: code } });
export const UNREACHABLE = failedWith('IMAGE_UNREACHABLE');
export const DEADLINE = failedWith('DEADLINE_EXCEEDED');
export const DONE: LotFixture = {};
export const OPEN: LotFixture = { status: 'processing' };

export const pathOf = (jobId: string) => `/api/v1/batch-jobs/${jobId}/retry`;

/** What {@link RetryRig.lotsOf} says of a job's lot that a retry has taken. */
export const lotOf = (n: number) => `lot-${n} pending Лот ${n} https://cdn.test/${n}.jpg`;

export function expectNothing(answer: Answer, details: JsonObject): void {
  const all = { codes: expect.any(Object) as object, lots_in_other_retries: 0, retried_by: [], ...details };
  expectRefusal(answer, 'NOTHING_TO_RETRY', { details: all });
}

/**
 * Two processes' worth of the API on one PostgreSQL, without a worker. Made by hand: the jobs that have ended, and how retries
 * end.
 */
export class RetryRig {
  private asked = 0;

  private constructor(
    readonly service: TestService,
    readonly other: TestService,
  ) {}

  static async start(): Promise<RetryRig> {
    const environment = { ROLE: 'api', MAX_ACTIVE_JOBS: '1000' };
    const service = await TestService.start({ environment });
    return new RetryRig(service, await TestService.start({ environment, beside: service }));
  }

  async stop(): Promise<void> {
    await this.other.stop();
    await this.service.stop();
  }

  /** A job that has ended, with these lots: lot-0, lot-1 … */
  async endedJob(lots: readonly LotFixture[], change: JobColumns = {}): Promise<string> {
    const { database } = this.service.db;
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
  async endRetry(jobId: string, failed: readonly string[], status = 'completed'): Promise<void> {
    const { database } = this.service.db;
    await database.execute(
      `update batch_lots set status = case when lot_id = any($2::text[]) then 'failed' else 'completed' end,
         error = case when lot_id = any($2::text[]) then '{"code": "REFUSED", "message": "refused"}'::jsonb end where job_id = $1`,
      [jobId, failed],
    );
    await database.execute('update batch_jobs set status = $2, completed_at = now() where id = $1', [jobId, status]);
    await database.execute(`update openai_batches set status = 'done' where job_id = $1`, [jobId]);
  }

  /** Each has a key of its own, because two equal requests of one second would be one and its repeat. */
  retry(jobId: string, body?: unknown, options: SendOptions = {}, to = this.service): Promise<Answer> {
    const sent = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const headers = {
      'Idempotency-Key': `test-${++this.asked}`,
      ...(sent === '' ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    };
    return to.send(pathOf(jobId), { ...options, method: 'POST', headers }, sent);
  }

  async retried(jobId: string, body?: unknown): Promise<string> {
    const answer = await this.retry(jobId, body);
    expect([answer.status, answer.body['code']]).toEqual([201, undefined]);
    return String(answer.body['job_id']);
  }

  /** What a job has of its lots, in the order of positions. */
  async lotsOf(jobId: string): Promise<string[]> {
    const rows = await this.service.db.database.query<{ lot: string; position: number }>(
      `select l.position, l.lot_id || ' ' || l.status || ' ' || i.additional_info || ' ' || (i.images->>0) as lot
       from batch_lots l join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position
       where l.job_id = $1 order by l.position`,
      [jobId],
    );
    expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index));
    return rows.map(({ lot }) => lot);
  }

  /** Resolves with the connection that waits for a lock, once one does. */
  async waiting(): Promise<number> {
    for (;;) {
      const [row] = await this.service.db.database.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      if (row !== undefined) return row.pid;
    }
  }
}
