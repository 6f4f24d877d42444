import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JobShardStore } from '../../src/batch/shards/job-shard-store.js';
import { RetentionStore } from '../../src/jobs/retention-store.js';
import { Retention } from '../../src/batch/upkeep/retention.js';
import { Clock } from '../../src/common/clock.js';
import { loadConfig } from '../../src/config/load-config.js';
import { Database, type Transaction } from '../../src/database/database.service.js';
import { JobReader } from '../../src/jobs/job-reader.js';
import { RequestKeyStore } from '../../src/jobs/request-key-store.js';
import { DeliveryStore } from '../../src/webhook/delivery-store.js';
import { jobsFrom } from '../support/a-job.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL, its plans and its own count of the pages that they read. Faked: nothing.

const JOBS = 20_000;
const FEW_PAGES = 60;
/** A statement that walks through the history reads more, whether the table (over 400) or an index that leads to it. */
const A_WALK = 250;

interface Plan {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
}

/** Explains each statement before it runs. */
class ExplainedDatabase extends Database {
  pages = 0;

  override async query<T extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    await this.explain(() => super.transaction((tx) => this.undone(tx, text, values)));
    return super.query<T>(text, values);
  }

  override async execute(text: string, values: readonly unknown[] = []): Promise<number> {
    await this.explain(() => super.transaction((tx) => this.undone(tx, text, values)));
    return super.execute(text, values);
  }

  override transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return super.transaction((tx) =>
      work({
        ...tx,
        query: async <R extends QueryResultRow>(text: string, values: readonly unknown[] = []) => {
          await this.explain(() => this.undone(tx, text, values));
          return tx.query<R>(text, values);
        },
        execute: async (text, values = []) => {
          await this.explain(() => this.undone(tx, text, values));
          return tx.execute(text, values);
        },
      }),
    );
  }

  private async undone(tx: Transaction, text: string, values: readonly unknown[]): Promise<Plan> {
    await tx.execute('savepoint explained');
    const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (analyze, buffers, format json) ${text}`,
      values,
    );
    await tx.execute('rollback to explained');
    return (row as { 'QUERY PLAN': [{ Plan: Plan }] })['QUERY PLAN'][0].Plan;
  }

  private async explain(run: () => Promise<Plan>): Promise<void> {
    const plan = await run();
    this.pages = Math.max(this.pages, plan['Shared Hit Blocks'] + plan['Shared Read Blocks']);
  }
}

describe('with a long history of finished synchronous jobs', () => {
  let db: TestDatabase;
  let database: ExplainedDatabase;

  beforeAll(async () => {
    db = await createTestDatabase();
    // A few batches and jobs that were handed over lie between them.
    await db.database.execute(
      jobsFrom(`generate_series(1, $1::int) n, lateral (select n * interval '1 minute' as age) a order by n desc`, {
        id: 'uuidv7(-age)',
        mode: `case when n % 1000 = 0 then 'batch' else 'sync' end`,
        status: `case when n % 2000 = 0 then 'failed' else 'completed' end`,
        stage: `'done'`,
        processedLots: '1',
        createdAt: 'now() - age',
        updatedAt: 'now() - age',
        completedAt: 'now() - age',
        handedOverAt: 'case when n % 1000 = 1 then now() - age end',
      }),
      [JOBS],
    );
    await db.database.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, next_attempt_at, created_at)
       select uuidv7(), id, case when row_number() over () <= 1000 then 'acme' else 'beta' end, 'https://a.test',
         'https://a.test/', 'batch_job_completed', 'delivered', now(), now() from batch_jobs`,
    );
    await db.database.execute(
      `insert into request_keys (key_id, kind, value, job_id, body_hash, expires_at)
       select 'acme', 'idempotency', 'n' || row_number() over (), id, 'h', now() + interval '1 hour' from batch_jobs`,
    );
    // The server of the tests commits lazily, and a vacuum leaves rows of lazy commits as they are until the log is on disk. The
    // vacuum's own commits must not be lazy either, because the log is looked at for 32 transactions together.
    const session = db.dataSource.createQueryRunner();
    await session.query('set synchronous_commit = on');
    await session.query('create table log_is_on_disk ()');
    await session.query('vacuum analyze');
    await session.query('reset synchronous_commit');
    await session.release();
    database = new ExplainedDatabase(db.dataSource);
  }, 60_000);
  beforeEach(() => {
    database.pages = 0;
  });
  afterAll(() => db.drop());

  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);

  it.each([
    ['default', {}, 40],
    ['by status', { statuses: ['failed' as const] }, 10],
    ['by mode', { mode: 'batch' as const }, 20],
    ['from a moment on', { createdAfter: ago(JOBS / 2) }, 20],
    ['up to a moment', { createdBefore: ago(JOBS / 2) }, 20],
  ])('a list over a long history (%s) reads a few pages, and its total is exact', async (_name, filter, total) => {
    const page = await new JobReader(database).list({ keyId: 'acme', ...filter }, { limit: 10, offset: 0 });
    expect(page.total).toBe(total);
    expect(page.jobs).toHaveLength(10);
    expect(page.jobs.map(({ id }) => id)).toEqual(
      page.jobs
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
    expect(database.pages).toBeGreaterThan(0);
    expect(database.pages).toBeLessThan(FEW_PAGES);
  });

  it.each([
    ['all', {}, JOBS - JOBS / 1000],
    ['by status', { statuses: ['completed' as const] }, JOBS - JOBS / 1000],
  ])(
    'a list of synchronous jobs over a long history (%s) is counted, and an offset passed over, by an index alone',
    async (_name, filter, total) => {
      const page = await new JobReader(database).list(
        { keyId: 'acme', mode: 'sync', ...filter },
        { limit: 10, offset: total - 5 },
      );
      expect(page.total).toBe(total);
      expect(page.jobs).toHaveLength(5);
      expect(database.pages).toBeLessThan(A_WALK);
    },
  );

  it('a look through a long history for jobs that are old enough to go reads a few pages where none is', async () => {
    const config = loadConfig({ SHARED_KEY: 'x'.repeat(32), RETENTION_DAYS: '365' });
    const retention = new Retention(config, new Clock(), database, new RetentionStore(), new JobShardStore(database));
    expect(await retention.step()).toBe(false);
    expect(database.pages).toBeGreaterThan(0);
    expect(database.pages).toBeLessThan(FEW_PAGES);
  });

  it('a key’s few deliveries among those of others are read without them', async () => {
    const found = await new DeliveryStore(database).list({ keyId: 'acme', limit: 20 });
    expect(found).toHaveLength(20);
    expect(found.map(({ id }) => id)).toEqual(
      found
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
    expect(database.pages).toBeLessThan(FEW_PAGES);
  });

  it('a sweep of request keys over a long history reads a few pages where none is over', async () => {
    expect(await new RequestKeyStore(database).sweep()).toBe(0);
    expect(database.pages).toBeLessThan(FEW_PAGES);
  });
});
