import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Retention } from '../../src/batch/upkeep/retention.js';
import { KeyUsageStore } from '../../src/jobs/key-usage-store.js';
import { JobReader } from '../../src/jobs/job-reader.js';
import { BatchRig } from './rig.js';

const TABLES = ['batch_results', 'batch_lots', 'batch_lot_inputs', 'openai_batches', 'job_usage', 'webhook_deliveries'];

describe('a job older than RETENTION_DAYS', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start({ RETENTION_DAYS: '7' });
  });
  afterEach(() => rig.close());

  const step = () => rig.module.get(Retention).step();
  const execute = (text: string, values: unknown[] = []) => rig.db.database.execute(text, values);

  async function removeAll(): Promise<void> {
    while (await step());
  }

  async function ended(days: number): Promise<string> {
    const id = await rig.job({ lots: 2, languages: ['en'] });
    await rig.runToEnd(id);
    await rig.runUntil(() => rig.settled());
    await execute('update batch_jobs set completed_at = now() - make_interval(days => $2) where id = $1', [id, days]);
    return id;
  }

  /** A delivery of the job, with an attempt; its id is the job's. */
  async function delivery(jobId: string, status: string): Promise<void> {
    await execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, next_attempt_at, created_at)
       values ($1, $1, 'acme', 'https://a.test', 'https://a.test/', 'batch_job_completed', $2, now(), now())`,
      [jobId, status],
    );
    await execute('insert into webhook_attempts (delivery_id, attempt, started_at) values ($1, 1, now())', [jobId]);
  }

  async function rows(jobId: string): Promise<number> {
    const counts = TABLES.map((table) => `(select count(*) from ${table} where job_id = $1)`);
    const [row] = await rig.db.database.query<{ n: number }>(
      `select (${counts.join(' + ')} + (select count(*) from webhook_attempts where delivery_id = $1))::int as n`,
      [jobId],
    );
    return row?.n ?? 0;
  }

  async function jobs(): Promise<string[]> {
    return (await rig.db.database.query<{ id: string }>('select id from batch_jobs order by id')).map(({ id }) => id);
  }

  it('a job older than RETENTION_DAYS goes with all that it has, and no younger one does', async () => {
    const [old, young] = [await ended(8), await ended(6)];
    for (const id of [old, young]) await delivery(id, 'delivered');
    const kept = await rows(young);
    await removeAll();
    expect(await jobs()).toEqual([young]);
    expect(await rows(old)).toBe(0);
    expect(await rows(young)).toBe(kept);
  });

  it('what an old job has cost its key stays when the job goes', async () => {
    await ended(8);
    const usage = rig.module.get(KeyUsageStore);
    const used = () => usage.sum('acme', { from: '2020-01-01', to: '2999-12-31' }, 'mode');
    const before = await used();
    expect(before).toMatchObject([{ name: 'batch', lots: 2 }]);
    expect(before[0]?.costUsd).toBeGreaterThan(0);
    await removeAll();
    expect(await jobs()).toEqual([]);
    expect(await used()).toEqual(before);
  });

  it.each(['pending', 'in_flight'])('an old job stays whole while a delivery is %s', async (status) => {
    const id = await ended(400);
    await delivery(id, status);
    const kept = await rows(id);
    await removeAll();
    expect(await rows(id)).toBe(kept);
    expect(await rig.module.get(JobReader).find(id, 'acme')).toMatchObject({ id, status: 'completed' });
  });

  it.each(['delivered', 'failed', 'superseded'])('an old job goes once its last delivery is %s', async (status) => {
    const id = await ended(8);
    await delivery(id, 'pending');
    expect(await step()).toBe(false);
    await execute('update webhook_deliveries set status = $1', [status]);
    await removeAll();
    expect(await jobs()).toEqual([]);
    expect(await rows(id)).toBe(0);
  });

  it('a job older than RETENTION_DAYS is removed in small steps, and hidden from the first one on', async () => {
    const id = await ended(8);
    await delivery(id, 'delivered');
    await execute(
      `insert into batch_results (job_id, position, language, revision, html, strings, created_at)
       select $1, 0, 'en', n, '', '[]', now() from generate_series(10, 4509) n`,
      [id],
    );
    await execute(
      `insert into webhook_attempts (delivery_id, attempt, started_at) select $1, n, now() from generate_series(2, 4500) n`,
      [id],
    );
    const sizes: number[] = [];
    for (let before = await rows(id); await step();) {
      await expect(rig.module.get(JobReader).find(id, 'acme')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      const after = await rows(id);
      sizes.push(before - after);
      before = after;
    }
    expect(Math.max(...sizes)).toBe(2000);
    expect(sizes.filter((size) => size === 2000)).toHaveLength(4);
    expect(await rows(id)).toBe(0);
  });

  it('a job older than RETENTION_DAYS stays while files of it are at OpenAI, because only its rows have their ids', async () => {
    const id = await ended(8);
    await execute(`update openai_batches set output_file_id = 'file-1'`);
    await removeAll();
    expect(await jobs()).toEqual([id]);
    await execute('update openai_batches set output_file_id = null');
    await removeAll();
    expect(await jobs()).toEqual([]);
  });

  it('a job older than RETENTION_DAYS stays when its webhooks are sent for again at that moment', async () => {
    const id = await ended(8);
    await delivery(id, 'delivered');
    const reader = rig.module.get(JobReader);
    const job = await reader.find(id, 'acme');
    await rig.db.database.transaction(async (tx) => {
      await reader.hold(tx, job);
      expect(await step()).toBe(false);
      await tx.execute(`update webhook_deliveries set status = 'pending'`);
    });
    expect(await step()).toBe(false);
    await execute(`update webhook_deliveries set status = 'delivered'`);
    await step();
    await expect(rig.db.database.transaction((tx) => reader.hold(tx, job))).rejects.toMatchObject({
      code: 'JOB_NOT_FOUND',
    });
  });
});
