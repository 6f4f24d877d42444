import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { WorkerBeat } from '../../src/health/worker-beat.js';
import { WorkerFigures } from '../../src/health/worker-figures.js';
import { WorkerPresence } from '../../src/health/worker-presence.js';
import { Worker } from '../../src/health/worker.entity.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL and its clock, TypeORM. Called by the test: what Nest and the cron call.

describe('workers', () => {
  let db: TestDatabase;
  let beat: WorkerBeat;
  let presence: WorkerPresence;
  beforeEach(async () => {
    db = await createTestDatabase({ entities: [Worker] });
    const workers = db.dataSource.getRepository(Worker);
    const config = loadConfig({ SHARED_KEY: 'k'.repeat(32), DATABASE_URL: db.url, ROLE: 'worker' });
    beat = new WorkerBeat(config, workers);
    presence = new WorkerPresence(workers);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await db.drop();
  });

  const rows = () =>
    db.database.query<{ id: string; role: string; age: number; since: number }>(
      `select id, role, extract(epoch from now() - beat_at)::float8 as age,
         extract(epoch from beat_at - started_at)::float8 as since from workers order by started_at`,
    );
  /** As if the process had been silent for so long. */
  const silentFor = (interval: string) =>
    db.database.execute('update workers set beat_at = beat_at - $1::interval, started_at = started_at - $1::interval', [
      interval,
    ]);

  it('workers are there from their start on, and gone when they end', async () => {
    expect(await presence.look()).toBe(false);
    await beat.onApplicationBootstrap();
    expect(await rows()).toMatchObject([{ id: beat.id, role: 'worker', since: 0 }]);
    expect(await presence.look()).toBe(true);
    await beat.onModuleDestroy();
    expect(await rows()).toEqual([]);
    expect(await presence.look()).toBe(false);
  });

  it('workers are taken for dead after a minute of silence, and alive again by the next beat, with the same start', async () => {
    await beat.onApplicationBootstrap();
    await silentFor('50 seconds');
    expect(await presence.look()).toBe(true);
    await silentFor('11 seconds');
    expect(await presence.look()).toBe(false);
    await beat.tick();
    expect(await presence.look()).toBe(true);
    const [row] = await rows();
    expect(row?.since).toBeGreaterThan(60);
  });

  it('a worker writes its row again when others have removed it, which they do after a day', async () => {
    await beat.onApplicationBootstrap();
    await silentFor('25 hours');
    const config = loadConfig({ SHARED_KEY: 'k'.repeat(32), DATABASE_URL: db.url, ROLE: 'all' });
    const other = new WorkerBeat(config, db.dataSource.getRepository(Worker));
    await other.tick();
    expect(await rows()).toMatchObject([{ id: other.id, role: 'all' }]);
    await beat.tick();
    expect(await rows()).toMatchObject([{ id: other.id }, { id: beat.id }]);
  });

  it('a worker writes no beat after its end, although the scheduler stops later', async () => {
    await beat.onApplicationBootstrap();
    await beat.onModuleDestroy();
    await beat.tick();
    expect(await rows()).toEqual([]);
  });

  it('a worker goes on when one beat fails, and logs it', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await db.database.execute('alter table workers rename to elsewhere');
    await beat.tick();
    expect(warn).toHaveBeenCalledExactlyOnceWith('the beat of this worker could not be written', {
      reason: expect.stringContaining('workers'),
    });
    expect(await presence.isThere()).toBe(false);
    await expect(presence.look()).rejects.toThrow(/workers/);
    await db.database.execute('alter table elsewhere rename to workers');
    await beat.tick();
    expect(await presence.look()).toBe(true);
  });

  it('the metrics say how many workers are alive and how long ago the latest beat was', async () => {
    const figures = new WorkerFigures(presence);
    figures.onModuleInit();
    const line = async (name: string) =>
      (await metricsRegistry.metrics()).split('\n').find((each) => each.startsWith(`${name} `)) ?? null;
    expect(await presence.beats()).toEqual({ alive: 0, latestSeconds: null });
    await beat.onApplicationBootstrap();
    await silentFor('70 seconds');
    expect(await line('workers_alive')).toBe('workers_alive 0');
    expect(Number((await line('workers_latest_beat_seconds'))?.split(' ')[1])).toBeGreaterThanOrEqual(70);
    await beat.tick();
    expect(await presence.beats()).toMatchObject({ alive: 1 });
    figures.onModuleDestroy();
    expect(await line('workers_alive')).toBeNull();
  });
});
