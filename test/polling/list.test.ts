import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signJobId } from '../../src/auth/signatures.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { secretOf, startPollingApp, type PollingApp } from './polling-app.js';

interface ListBody {
  jobs: { id: string; job_id: string; status: string; webhook_configured: boolean }[];
  pagination: { limit: number; offset: number; total: number; has_more: boolean; next_cursor: string | null };
}

/** Real: HTTP, guard, PostgreSQL. Faked: nothing. */
describe('GET batch-jobs', () => {
  let polling: PollingApp;
  let ids: string[];

  beforeAll(async () => {
    polling = await startPollingApp();
    ids = [];
    for (let day = 1; day <= 12; day++) {
      const { id } = await insertJob(polling.db.database, {
        status: day % 2 === 0 ? 'completed' : 'processing',
        createdAt: new Date(Date.UTC(2026, 0, day)),
      });
      ids.push(id);
    }
    await insertJob(polling.db.database, { keyId: 'beta' });
    await insertJob(polling.db.database, { mode: 'sync', totalLots: 1 });
  });
  afterAll(() => polling.close());

  const list = async (query = '') => (await polling.json(`/api/v1/batch-jobs${query}`)).body as unknown as ListBody;
  const days = (body: ListBody) => body.jobs.map(({ id }) => ids.indexOf(id) + 1);

  it('the list of jobs shows the latest ten of the key’s jobs', async () => {
    const body = await list();
    expect(days(body)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    expect(body.pagination).toEqual({
      limit: 10,
      offset: 0,
      total: 12,
      has_more: true,
      next_cursor: expect.any(String),
    });
    expect(body.jobs[0]).toEqual({
      id: ids[11],
      job_id: ids[11],
      status: 'completed',
      processing_mode: 'batch',
      created_at: '2026-01-12T00:00:00Z',
      updated_at: '2026-01-12T00:00:00Z',
      completed_at: null,
      cancelled_at: null,
      paused: false,
      total_lots: 2,
      processed_lots: 0,
      failed_lots: 0,
      progress: {
        total_lots: 2,
        processed_lots: 0,
        failed_lots: 0,
        completion_percentage: 0,
        estimated_completion: null,
      },
      languages: ['en', 'ru'],
      error_message: null,
      webhook_configured: false,
      metadata: {},
      retry_of: null,
    });
  });

  it('the list of jobs pages by offset', async () => {
    const body = await list('?limit=5&offset=10');
    expect(days(body)).toEqual([2, 1]);
    expect(body.pagination).toMatchObject({ limit: 5, offset: 10, total: 12, has_more: false, next_cursor: null });
  });

  it('the list of jobs pages by cursor to the end, each job once', async () => {
    const seen: number[] = [];
    for (let query = '?limit=5'; ;) {
      const body = await list(query);
      seen.push(...days(body));
      if (body.pagination.next_cursor === null) break;
      query = `?limit=5&cursor=${body.pagination.next_cursor}`;
    }
    expect(seen).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('the list of jobs tells whether a job has webhooks, its own or those of its lots', async () => {
    const { database } = polling.db;
    const own = await insertJob(database, { keyId: 'beta', webhookUrl: 'https://client.test/hook' });
    const lots = await insertJob(database, { keyId: 'beta' });
    await insertLot(database, lots.id, 0);
    for (const position of [1, 2]) await insertLot(database, lots.id, position, { webhook: 'https://client.test/lot' });
    const none = await insertJob(database, { keyId: 'beta' });
    await insertLot(database, none.id, 0);
    const { jobs } = (await polling.json('/api/v1/batch-jobs', { keyId: 'beta' })).body as unknown as ListBody;
    const configured = Object.fromEntries(jobs.map((job) => [job.id, job.webhook_configured]));
    expect([own, lots, none].map(({ id }) => configured[id])).toEqual([true, true, false]);
    await database.execute(`delete from batch_jobs where id = any($1::uuid[])`, [[own.id, lots.id, none.id]]);
  });

  it('the list of jobs filters by state, time and mode', async () => {
    expect(days(await list('?status=completed'))).toEqual([12, 10, 8, 6, 4, 2]);
    expect(days(await list('?created_after=2026-01-03T00:00:00Z&created_before=2026-01-05T00:00:00Z'))).toEqual([4, 3]);
    expect(days(await list('?created_after=2026-01-11T23:00:00-01:00'))).toEqual([12]);
    expect((await list('?mode=sync')).jobs).toHaveLength(1);
    expect((await list('?mode=batch')).pagination.total).toBe(12);
  });

  it.each([
    ['?status[]=completed', [12, 10, 8, 6, 4, 2]],
    ['?status%5B%5D=completed&status%5B%5D=failed', [12, 10, 8, 6, 4, 2]],
    ['?status[0]=completed&status[1]=processing&limit[]=3', [12, 11, 10]],
    ['?status=processing&status[]=failed&limit=2', [11, 9]],
  ])('the list of jobs takes lists as PHP and others write them: %s', async (query, expected) => {
    expect(days(await list(query))).toEqual(expected);
  });

  it('the list of jobs names what it ignores, so that a mistyped filter does not pass for one', async () => {
    const ignoredOf = async (query: string) =>
      (await polling.send(`/api/v1/batch-jobs${query}`)).headers.get('x-ignored-parameters');
    expect(await ignoredOf('?stauts=failed&limit=1&sort=asc&order[]=desc')).toBe('stauts, sort, order[]');
    expect(await ignoredOf('?status[]=failed&limit=1&cursor[0]=x')).toBeNull();
    expect(await ignoredOf('?limit=0&Limit=1')).toBe('Limit');
    expect(await ignoredOf('')).toBeNull();
  });

  it('the list of jobs takes a limit above 100 for 100 and ignores members that it does not know', async () => {
    const body = await list('?limit=5000&sort=asc');
    expect(body.pagination.limit).toBe(100);
    expect(body.jobs).toHaveLength(12);
  });

  it.each([
    ['limit', '0'],
    ['limit', '-1'],
    ['limit', 'ten'],
    ['limit', '1.5'],
    ['limit', ''],
    ['offset', '-1'],
    ['offset', '9999999999'],
    ['status', 'done'],
    ['status', 'completed&status=failed'],
    ['status', 'completed&status[]=done'],
    ['status', ''],
    ['limit', '1&limit[]=2'],
    ['mode', 'async'],
    ['created_after', 'yesterday'],
    ['created_after', '2026-02-30T00:00:00Z'],
    ['created_before', '2026-01-01'],
    ['cursor', 'x'],
  ])('the list of jobs refuses %s=%s and names it', async (name, value) => {
    const { status, body } = await polling.json(`/api/v1/batch-jobs?${name}=${value}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: name, rule: expect.stringMatching(/must/) }] },
    });
  });

  it('the list of jobs says of a filter that stands twice how lists are written, not that its values are wrong', async () => {
    const { status, body } = await polling.json('/api/v1/batch-jobs?status=completed&status=failed');
    const fields = (body as { details: { fields: unknown } }).details.fields;
    expect([status, fields]).toEqual([400, [{ path: 'status', rule: expect.stringContaining('name[]=…') as string }]]);
  });

  it('the list of jobs is opened by the signature over its path with query', async () => {
    const target = '/api/v1/batch-jobs?status=completed&limit=10';
    const sign = (message: string) => ({ headers: { 'X-Signature': signJobId(secretOf('acme'), message) } });
    expect((await fetch(polling.origin + target, sign(target))).status).toBe(200);
    expect((await fetch(`${polling.origin}${target}&offset=1`, sign(target))).status).toBe(403);
  });

  it('the list of jobs shows a key only its own', async () => {
    const body = (await polling.json('/api/v1/batch-jobs', { keyId: 'beta' })).body as unknown as ListBody;
    expect(body.jobs).toHaveLength(1);
    expect(days(body)).toEqual([0]);
  });
});
