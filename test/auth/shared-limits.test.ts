import { ServerResponse, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SignedCaller } from '../../src/auth/caller.js';
import { LimitStore } from '../../src/auth/limits/limit-store.js';
import { OpenStreams } from '../../src/auth/limits/open-streams.js';
import { RateLimits } from '../../src/auth/rate-limits.js';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { ServiceError } from '../../src/common/service-error.js';
import type { Database } from '../../src/database/database.service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { FakeClock } from '../support/fake-clock.js';
import { authConfig } from './auth-support.js';

/** How long the limits' connection rests after a failure, and a little more. */
const REST_MS = 6000;
const MOST_STREAMS = 10;

/** What one process has. Real: PostgreSQL, two such processes on one database. Faked: the clock that rests go by. */
interface Process {
  readonly store: LimitStore;
  readonly rates: RateLimits;
  readonly streams: OpenStreams;
  readonly clock: FakeClock;
}

describe('RATE_LIMIT_STORE=postgres', () => {
  let db: TestDatabase;
  const processes: Process[] = [];
  let keys = 0;

  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(async () => {
    for (const { store } of processes) await store.onApplicationShutdown();
    await db.drop();
  });

  function start(database: Database = db.database): Process {
    const config = authConfig({
      RATE_LIMIT_SYNC: '3',
      RATE_LIMIT_BATCH: '30',
      RATE_LIMIT_POLLING: '2',
      RATE_LIMIT_STORE: 'postgres',
      // Tests renew leases themselves.
      LEASE_SECONDS: '600',
    });
    const clock = new FakeClock();
    const store = new LimitStore(config, database, clock);
    const rates = new RateLimits(config, clock, store);
    const started = { store, rates, streams: new OpenStreams(config, store), clock };
    processes.push(started);
    return started;
  }

  /** A key that no other test uses. */
  function newKey(): SignedCaller & { readonly keyId: string } {
    return { scheme: 1, keyId: `key-${keys++}`, secretFingerprint: '', signature: '' };
  }

  const answer = () => new ServerResponse(new IncomingMessage(new Socket()));

  async function isRefused(work: Promise<unknown>): Promise<boolean> {
    try {
      await work;
      return false;
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'RATE_LIMITED') return true;
      throw error;
    }
  }

  async function count(text: string, key: string): Promise<number> {
    const [row] = await db.database.query<{ n: number }>(text, [key]);
    return row?.n ?? 0;
  }

  const points = (key: string) =>
    count('select coalesce(sum(points), 0)::int as n from rate_limits where key = $1', key);
  const places = (keyId: string) => count('select count(*)::int as n from event_streams where key_id = $1', keyId);

  /** Runs `work` while a lock keeps everybody from this table, as a command of an operator's might. */
  async function whileLocked<T>(table: string, work: () => Promise<T>): Promise<T> {
    const open = await db.database.begin();
    try {
      await open.tx.execute(`lock table ${table} in access exclusive mode`);
      return await work();
    } finally {
      await open.rollback();
    }
  }

  const shownUp = async () => /^rate_limit_store_up (\d)$/m.exec(await metricsRegistry.metrics())?.[1];

  /** The rest is over, and it is known whether another one follows. */
  async function tried({ store, clock }: Pick<Process, 'store' | 'clock'>): Promise<void> {
    await clock.untilWaiting();
    clock.advance(REST_MS);
    await expect.poll(() => clock.waiting === 1 || !store.connection.rests).toBe(true);
  }

  /** Opens as many streams as it gets, at once. */
  async function openMany(wanted: number, keyId: string, ...from: Process[]) {
    const closers: (() => void)[] = [];
    const opened = Array.from({ length: wanted }, async (_, index) => {
      closers.push(await (from[index % from.length] as Process).streams.open(keyId));
    });
    const refused = (await Promise.all(opened.map(isRefused))).filter(Boolean).length;
    return { closers, refused };
  }

  it('a limit lets as many requests through over two processes as over one, however many come at once', async () => {
    const [one, other, key] = [start(), start(), newKey()];
    const requests = Array.from({ length: 90 }, (_, index) =>
      isRefused((index % 2 === 0 ? one : other).rates.count('batch', key, '', answer())),
    );
    expect((await Promise.all(requests)).filter((refused) => !refused)).toHaveLength(30);
  });

  it('requests that come at once are told apart in their headers, as if they had come one after the other', async () => {
    const [{ rates }, key] = [start(), newKey()];
    const answers = Array.from({ length: 30 }, answer);
    await Promise.all(answers.map((response) => rates.count('batch', key, '', response)));
    expect(answers.map((response) => response.getHeader('X-RateLimit-Remaining'))).toEqual(
      answers.map((_, index) => String(29 - index)),
    );
  });

  it('a limit over two processes has the same headers as in one', async () => {
    const [one, other, key] = [start(), start(), newKey()];
    await one.rates.count('sync', key, '', answer());
    const response = answer();
    await other.rates.count('sync', key, '', response);
    expect(response.getHeader('RateLimit')).toMatch(/^"sync";r=1;t=(?:60|59)$/);
    expect(response.getHeader('X-RateLimit-Remaining')).toBe('1');
    await one.rates.count('sync', key, '', answer());
    const refusal: unknown = await other.rates.count('sync', key, '', answer()).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'RATE_LIMITED', headers: { 'X-RateLimit-Remaining': '0' } });
    expect((refusal as ServiceError).headers['Retry-After']).toMatch(/^(?:60|59)$/);
    expect(await one.rates.allows('sync', key.keyId)).toBe(false);
    expect(await one.rates.allows('sync', newKey().keyId)).toBe(true);
  });

  it('a key that was refused costs no statement until its minute is over', async () => {
    const [{ rates }, key] = [start(), newKey()];
    const refusals: boolean[] = [];
    for (let request = 0; request < 6; request++) {
      refusals.push(await isRefused(rates.count('sync', key, '', answer())));
    }
    expect(refusals).toEqual([false, false, false, true, true, true]);
    expect(await points(`sync:${key.keyId}`)).toBe(4);
  });

  it('a key that was refused is let through again when answers of 304 have given their counts back', async () => {
    const [one, other, key] = [start(), start(), newKey()];
    const [first, second] = [answer(), answer()];
    await one.rates.count('polling', key, '', first);
    await one.rates.count('polling', key, '', second);
    expect(await isRefused(one.rates.count('polling', key, '', answer()))).toBe(true);
    await one.rates.refund(first);
    await one.rates.refund(second);
    expect(await isRefused(one.rates.count('polling', key, '', answer()))).toBe(false);
    expect(await isRefused(other.rates.count('polling', key, '', answer()))).toBe(true);
  });

  it('a process counts for itself while the table is locked, and for all again afterwards', async () => {
    const [{ rates, store, clock }, key] = [start(), newKey()];
    expect(await shownUp()).toBeUndefined();
    await store.begin();
    await rates.count('sync', key, '', answer());
    const refusals = await whileLocked('rate_limits', async () => {
      const seen: boolean[] = [];
      for (let request = 0; request < 4; request++) seen.push(await isRefused(rates.count('sync', key, '', answer())));
      await rates.refund(answer());
      expect(await shownUp()).toBe('0');
      await tried({ store, clock });
      seen.push(await isRefused(rates.count('sync', key, '', answer())));
      return seen;
    });
    expect(refusals).toEqual([false, false, false, true, true]);
    await tried({ store, clock });
    expect(await shownUp()).toBe('1');
    await rates.count('sync', key, '', answer());
    expect(await points(`sync:${key.keyId}`)).toBeGreaterThanOrEqual(2);
  });

  it('a process counts for itself while the database is away', async () => {
    // Nothing listens at port 1.
    const away = { sidePool: () => new pg.Pool({ host: '127.0.0.1', port: 1 }) } as unknown as Database;
    const [{ rates, streams }, key] = [start(away), newKey()];
    const refusals: boolean[] = [];
    for (let request = 0; request < 4; request++)
      refusals.push(await isRefused(rates.count('sync', key, '', answer())));
    expect(refusals).toEqual([false, false, false, true]);
    expect(await rates.allows('batch', key.keyId)).toBe(true);
    await Promise.all(Array.from({ length: MOST_STREAMS }, () => streams.open(key.keyId)));
    expect(await isRefused(streams.open(key.keyId))).toBe(true);
  });

  it('event streams are kept to ten a key over two processes, and one that closes frees its place', async () => {
    const [one, other, { keyId }] = [start(), start(), newKey()];
    const { closers, refused } = await openMany(16, keyId, one, other);
    expect(refused).toBe(16 - MOST_STREAMS);
    expect(await places(keyId)).toBe(MOST_STREAMS);
    closers.shift()?.();
    await expect.poll(() => places(keyId)).toBe(MOST_STREAMS - 1);
    closers.push(await other.streams.open(keyId));
    expect(await isRefused(one.streams.open(keyId))).toBe(true);
    expect(await isRefused(one.streams.open(newKey().keyId))).toBe(false);
    for (const close of closers) close();
    await expect.poll(() => places(keyId)).toBe(0);
  });

  it('the places of a process that is gone are free when their leases are over, those of one that renews are not', async () => {
    const [gone, alive, { keyId }] = [start(), start(), newKey()];
    await openMany(MOST_STREAMS - 1, keyId, gone);
    await alive.streams.open(keyId);
    await db.database.execute(`update event_streams set held_until = now() - interval '1 ms' where key_id = $1`, [
      keyId,
    ]);
    await alive.streams.renew();
    const { refused } = await openMany(MOST_STREAMS, keyId, start());
    expect(refused).toBe(1);
    // It was not gone, only slow: its streams go on without the places that others have now.
    await gone.streams.renew();
    expect(await places(keyId)).toBe(MOST_STREAMS);
  });

  it('places that a crash of the server took come back with the next renewal', async () => {
    const [{ streams }, { keyId }] = [start(), newKey()];
    await openMany(3, keyId, { streams } as Process);
    await db.database.execute('truncate event_streams');
    await streams.renew();
    expect(await places(keyId)).toBe(3);
  });

  it('a process that ends gives all its places back at once', async () => {
    const [{ streams }, { keyId }] = [start(), newKey()];
    const { closers } = await openMany(3, keyId, { streams } as Process);
    closers.pop()?.();
    streams.onModuleDestroy();
    await streams.beforeApplicationShutdown();
    expect(await places(keyId)).toBe(0);
    for (const close of closers) close();
    (await streams.open(keyId))();
    expect(await places(keyId)).toBe(0);
  });

  it('a stream opens and stays open while the table is locked, ten in this process', async () => {
    const [{ streams }, { keyId }] = [start(), newKey()];
    await openMany(2, keyId, { streams } as Process);
    await whileLocked('event_streams', async () => {
      await streams.renew();
      expect((await openMany(MOST_STREAMS, keyId, { streams } as Process)).refused).toBe(2);
    });
    expect(await places(keyId)).toBe(2);
  });

  it('what has counted for nothing for an hour is removed', async () => {
    const { store } = start();
    await db.database.execute(`insert into rate_limits values ('sync:old', 1, 1), ('sync:new', 1, $1)`, [Date.now()]);
    await db.database.execute(
      `insert into event_streams select 'sweep', place, gen_random_uuid(), now() - make_interval(mins => 40 * place) from generate_series(1, 2) as p(place)`,
    );
    await store.sweep();
    expect([await points('sync:old'), await points('sync:new'), await places('sweep')]).toEqual([0, 1, 1]);
  });
});
