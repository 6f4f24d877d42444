import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { StreamingReplica } from '../../scripts/prove/streaming-replica.mjs';
import { StandbyError } from '../../src/common/database-away.js';
import { toServiceError } from '../../src/common/http-error.filter.js';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { Database, type Reads } from '../../src/database/database.service.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { migrateUp } from '../../src/database/migrate.js';
import { ReadReplica } from '../../src/database/replica/read-replica.js';
import { ReplicaFigures } from '../../src/database/replica/replica-figures.js';
import { hasReplayed, walPosition } from '../../src/database/replica/wal-position.js';
import { JobReader } from '../../src/jobs/job-reader.js';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { PartitionStore } from '../../src/jobs/partition-store.js';
import { ReplicaReader } from '../../src/jobs/replica-reader.js';
import { temporaryDataDir } from '../database/embedded/host.js';
import { testConfig } from '../support/database-config.js';
import { FakeClock } from '../support/fake-clock.js';
import { reapWithProcess } from '../support/reaper.js';
import { insertCompletedLots, insertJob } from './fixtures.js';

const quiet = { log: () => undefined, warn: () => undefined, error: console.error };
const KEY = 'acme';

// Real: two PostgreSQL servers, one of them the other's streaming replica. Faked: the clock of rests and waits.
describe('reads at a replica', () => {
  const removals: (() => Promise<unknown>)[] = [];
  let primary: EmbeddedPostgres;
  let standby: StreamingReplica;
  let dataSource: DataSource;
  let database: Database;
  let jobs: JobReader;

  let clock: FakeClock;
  let replica: ReadReplica;
  let reader: ReplicaReader;
  let warned: ReturnType<typeof vi.spyOn>;
  let counted: Map<string, number>;

  beforeAll(async () => {
    const { dataDir, remove } = await temporaryDataDir();
    removals.push(remove);
    const settings = { fsync: 'off', full_page_writes: 'off', autovacuum: 'off' };
    primary = await startEmbeddedPostgres({ dataDir, logger: quiet, settings });
    removals.push(primary.stop);
    Logger.overrideLogger(false);
    await migrateUp(testConfig(), primary.url);
    dataSource = new DataSource(dataSourceOptions(testConfig(), primary.url));
    await dataSource.initialize();
    removals.push(() => dataSource.destroy());
    database = new Database(dataSource);
    jobs = new JobReader(database);
    standby = await StreamingReplica.start(
      { url: primary.url, data: join(dataDir, 'pg18', 'data') },
      // A query that is in the way of recovery is cancelled at once.
      { max_standby_streaming_delay: '0' },
    );
    const reap = reapWithProcess(standby.folder);
    removals.push(() => standby.remove().then(reap));
  });
  afterAll(async () => {
    for (const remove of removals.toReversed()) await remove();
  });

  beforeEach(async () => {
    warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    counted = await counts();
    use({});
    await standby.caughtUp();
  });
  afterEach(async () => {
    await replica.onApplicationShutdown();
    vi.restoreAllMocks();
  });

  /** A process's view of both servers. */
  function use(settings: { readonly readUrl?: string; readonly readPoolSize?: number; readonly prepared?: boolean }) {
    clock = new FakeClock({ skipUpToMs: 10 });
    replica = new ReadReplica(database, clock, testConfig({ readUrl: standby.url, ...settings }));
    reader = new ReplicaReader(database, replica, clock, new PartitionStore(database));
  }

  async function counts(): Promise<Map<string, number>> {
    const metric = await metricsRegistry.getSingleMetric('database_replica_reads_total')?.get();
    return new Map(metric?.values.map(({ labels, value }) => [`${labels['read']} ${labels['outcome']}`, value]));
  }

  /** Where was read since the test began. */
  async function outcomes(): Promise<Record<string, number>> {
    const more = [...(await counts())].map(([name, value]): [string, number] => [
      name,
      value - (counted.get(name) ?? 0),
    ]);
    return Object.fromEntries(more.filter(([, value]) => value > 0));
  }

  async function endedJob(lots = 3): Promise<string> {
    const end = new Date();
    const job = await insertJob(database, {
      keyId: KEY,
      status: 'completed',
      totalLots: lots,
      processedLots: lots,
      completedAt: end,
      updatedAt: end,
      version: 7,
    });
    await insertCompletedLots(database, job.id, lots, job.languages);
    return job.id;
  }

  async function read(jobId: string): Promise<string[]> {
    const job = await jobs.find(jobId, KEY);
    const texts: string[] = [];
    for await (const text of new LotResultReader(reader.lotsOf(job)).readLots(job)) texts.push(text);
    return texts;
  }

  async function list(): Promise<string[]> {
    const page = await reader.list((sql) => jobs.list({ keyId: KEY }, { limit: 100, offset: 0 }, sql));
    expect(page.total).toBe(page.jobs.length);
    return page.jobs.map(({ id }) => id);
  }

  /** With replay paused, and the primary ahead of it. */
  async function whilePaused(work: () => Promise<void>): Promise<void> {
    await standby.pauseReplay();
    try {
      await work();
    } finally {
      await standby.resumeReplay();
      await standby.caughtUp();
    }
  }

  it.each([false, true])(
    'an ended job and a list are read at a replica that is caught up (prepared: %s)',
    async (prepared) => {
      await replica.onApplicationShutdown();
      use({ prepared });
      const jobId = await endedJob();
      await standby.caughtUp();
      expect(await read(jobId)).toHaveLength(3);
      expect(await list()).toContain(jobId);
      // Its lots, and their results.
      expect(await outcomes()).toEqual({ 'results replica': 2, 'list replica': 1 });
    },
  );

  it('a list is not read at a replica that was left on the history before a failover', async () => {
    const { position, timeline } = await walPosition(database);
    await standby.caughtUp();
    const read = (of: number) =>
      replica.read(
        'list',
        async (sql) => ({ replayed: await hasReplayed(sql, { position, timeline: of }) }),
        () => Promise.reject(new Error('it was not asked')),
      );
    expect(await read(timeline)).toEqual({ replayed: true });
    expect(await read(timeline + 1)).toEqual({ replayed: false });
  });

  it('a pool of the service takes no connection to a standby', async () => {
    const failure = await new DataSource(dataSourceOptions(testConfig(), standby.url))
      .initialize()
      .catch((error: unknown) => error);
    expect(failure).toEqual(new StandbyError());
    expect(toServiceError(failure)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '5' } });
  });

  it('a job that has not ended is read at the primary, and so is everything without a replica', async () => {
    const running = await insertJob(database, { keyId: KEY });
    await read(running.id);
    await replica.onApplicationShutdown();
    use({ readUrl: '' });
    await read(await endedJob());
    await list();
    expect(await outcomes()).toEqual({});
  });

  it('a start with a replica is refused in words where the lots are on many servers', async () => {
    const tables = new PartitionStore(database);
    await new ReplicaReader(database, replica, clock, tables).onModuleInit();
    tables.distributed = async () => ['batch_lots', 'batch_results'];
    const none = new ReadReplica(database, clock, testConfig({ readUrl: '' }));
    await new ReplicaReader(database, none, clock, tables).onModuleInit();
    await expect(new ReplicaReader(database, replica, clock, tables).onModuleInit()).rejects.toThrow(
      /DATABASE_READ_URL is set, but Citus distributes batch_lots, batch_results here/,
    );
  });

  it('a job whose end the replica has not replayed is whole all the same, and its list has it', async () => {
    const running = await insertJob(database, { keyId: KEY, totalLots: 2 });
    await standby.caughtUp();
    await whilePaused(async () => {
      await insertCompletedLots(database, running.id, 2, running.languages);
      await database.execute(
        `update batch_jobs set status = 'completed', completed_at = now(), updated_at = now(), version = version + 1 where id = $1`,
        [running.id],
      );
      const made = await endedJob();
      expect(await read(running.id)).toHaveLength(2);
      expect(await read(made)).toHaveLength(3);
      expect(await list()).toEqual(expect.arrayContaining([running.id, made]));
      expect(await outcomes()).toEqual({ 'results behind': 4, 'list behind': 1 });
    });
  });

  it('texts that were written anew are shown as soon as the primary shows them', async () => {
    const jobId = await endedJob(1);
    await standby.caughtUp();
    await whilePaused(async () => {
      await database.execute(
        `insert into batch_results (job_id, position, language, revision, html, strings, created_at)
         select job_id, position, language, 1, '<p>anew</p>', strings, now() from batch_results where job_id = $1`,
        [jobId],
      );
      expect((await read(jobId)).join()).not.toContain('anew');
      expect(await outcomes()).toEqual({ 'results replica': 2 });
      await database.execute(
        `update batch_jobs set revision = 1, version = version + 1, updated_at = now() where id = $1`,
        [jobId],
      );
      expect((await read(jobId)).join()).toContain('anew');
    });
    expect((await read(jobId)).join()).toContain('anew');
    expect(await outcomes()).toEqual({ 'results replica': 4, 'results behind': 2 });
  });

  it('a replica of another primary, whose job has the same version, is not read', async () => {
    const jobId = await endedJob();
    await standby.caughtUp();
    await whilePaused(async () => {
      await database.execute(`update batch_jobs set updated_at = updated_at + interval '1 second' where id = $1`, [
        jobId,
      ]);
      await read(jobId);
      expect(await outcomes()).toEqual({ 'results behind': 2 });
    });
  });

  it('lists do not wait for a replica that stays behind, but ask again after a while', async () => {
    await whilePaused(async () => {
      await endedJob();
      await list();
      expect(clock.skipped).toHaveLength(10);
      await list();
      expect(clock.skipped).toHaveLength(10);
      clock.advance(500);
      await list();
      expect(clock.skipped).toHaveLength(20);
    });
    clock.advance(500);
    await list();
    expect(await outcomes()).toEqual({ 'list behind': 3, 'list replica': 1 });
  });

  it('a read that recovery cancels is done at the primary, and the replica is read on', async () => {
    const jobId = await endedJob();
    await standby.caughtUp();
    const slow = reader.list((sql) =>
      sql.query<{ n: number }>(
        // Rows are being read while the primary removes some of them for good.
        sql === database ? 'select 2 as n' : 'select 1 as n from batch_lots, pg_sleep(60)',
      ),
    );
    await eventually(
      async () =>
        (await standby.query(`select 1 from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'`))
          .length > 0,
    );
    await database.execute('delete from batch_lots where job_id = $1 and position = 0', [jobId]);
    await database.execute('vacuum batch_lots');
    expect(await slow).toEqual([{ n: 2 }]);
    await list();
    expect(await outcomes()).toEqual({ 'list cancelled': 1, 'list replica': 1 });
    expect(warned).not.toHaveBeenCalled();
  });

  it('an answer goes on at the primary when the replica dies, which is logged once, and it is read again once it is back', async () => {
    const jobId = await endedJob(1200);
    await standby.caughtUp();
    const job = await jobs.find(jobId, KEY);
    const lots: string[] = [];
    for await (const page of new LotResultReader(reader.lotsOf(job)).readPages(job)) {
      if (lots.length === 0) standby.kill();
      lots.push(...page.map(({ lotId }) => lotId));
    }
    expect(lots).toEqual(Array.from({ length: 1200 }, (_, position) => `lot-${position}`));
    await list();
    expect(await outcomes()).toMatchObject({ 'results away': 1, 'list resting': 1 });
    expect(warned).toHaveBeenCalledTimes(1);

    const figures = new ReplicaFigures(database, replica);
    figures.onModuleInit();
    expect(await metricsRegistry.metrics()).toMatch(/^database_replica_up 0$/m);
    standby.start();
    clock.advance(5000);
    await eventually(() => Promise.resolve(replica.isUp));
    await read(jobId);
    expect((await outcomes())['results replica']).toBeGreaterThan(2);
    const shown = new ReplicaFigures(database, replica);
    shown.onModuleInit();
    const scrape = await metricsRegistry.metrics();
    expect(scrape).toMatch(/^database_replica_up 1$/m);
    expect(scrape).toMatch(/^database_replica_behind_bytes \d+$/m);
  });

  it('a replica that hangs holds no reader up for long', async () => {
    const jobId = await endedJob();
    await standby.caughtUp();
    await read(jobId);
    await standby.freeze();
    try {
      expect(await read(jobId)).toHaveLength(3);
      expect(await list()).toContain(jobId);
      expect(await outcomes()).toMatchObject({ 'results away': 1, 'results resting': 1, 'list resting': 1 });
    } finally {
      await standby.thaw();
    }
  });

  it('readers that find all connections to the replica taken read at the primary', async () => {
    await replica.onApplicationShutdown();
    use({ readPoolSize: 2 });
    const jobId = await endedJob();
    await standby.caughtUp();
    let release: (rows: string[]) => void = () => undefined;
    const released = new Promise<string[]>((resolve) => (release = resolve));
    const hold = (sql: Reads) => (sql === database ? Promise.resolve([]) : released);
    const held = [reader.list(hold), reader.list(hold)];
    await eventually(
      async () =>
        (
          await standby.query(
            `select 1 from pg_stat_activity where state = 'idle in transaction' and application_name like '%reads'`,
          )
        ).length === 2,
    );
    expect(await read(jobId)).toHaveLength(3);
    release([]);
    await Promise.all(held);
    expect(await outcomes()).toEqual({ 'results busy': 2, 'list replica': 2 });
  });
});

/** Resolves once it is so. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
