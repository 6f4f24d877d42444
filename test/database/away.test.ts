import { createServer, connect, type Server, type Socket, type AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { isDatabaseAway } from '../../src/common/database-away.js';
import { toServiceError } from '../../src/common/http-error.filter.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { Database } from '../../src/database/database.service.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { serverPid, temporaryDataDir } from './embedded/host.js';
import { testConfig } from '../support/database-config.js';

// Real: a PostgreSQL that is stopped and killed, and a TCP relay in front of it that cuts connections.

const quiet = { log: () => undefined, warn: () => undefined, error: console.error };

let dataDir: string;
let remove: () => Promise<void>;
let server: EmbeddedPostgres;
let relay: Server;
const sockets = new Set<Socket>();
let dataSource: DataSource;
let database: Database;
/** By way of the relay. */
let url: string;

beforeAll(async () => {
  ({ dataDir, remove } = await temporaryDataDir());
  server = await startEmbeddedPostgres({ dataDir, logger: quiet });
  const address = new URL(server.url);
  const serverPort = Number(address.port);
  relay = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream).pipe(client);
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  address.port = String((relay.address() as AddressInfo).port);
  url = address.href;
  dataSource = await new DataSource(dataSourceOptions(testConfig(), url)).initialize();
  database = new Database(dataSource);
});

afterEach(async () => {
  await expect.poll(() => database.query('select 1 as one').catch(() => undefined)).toEqual([{ one: 1 }]);
});

afterAll(async () => {
  await dataSource.destroy();
  relay.close();
  await server.stop();
  await remove();
});

const cutAll = () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
};

/** Rejections of a statement on the pool, of ones in transactions and of one by TypeORM, all of them under way. */
async function failuresDuring(trouble: (mark: string) => void | Promise<void>): Promise<unknown[]> {
  // A server works on for a client that is gone: the statements of the test before may still be there.
  const mark = randomUUID();
  const statement = `select pg_sleep(60) as "${mark}"`;
  const underWay = Promise.allSettled([
    database.query(statement),
    database.transaction((tx) => tx.query(statement)),
    dataSource.query(statement),
    dataSource.transaction((manager) => manager.query(statement)),
  ]);
  await expect
    .poll(() =>
      database.query(`select pid from pg_stat_activity where wait_event = 'PgSleep' and query like $1`, [`%${mark}%`]),
    )
    .toHaveLength(4);
  await trouble(mark);
  return (await underWay).map((outcome) => (outcome.status === 'rejected' ? outcome.reason : outcome.value));
}

describe('a database that goes away', () => {
  it.each([
    ['its connections are cut', cutAll],
    ['its server is killed', async () => void process.kill(await serverPid(dataDir), 'SIGKILL')],
    ['its server shuts down fast', async () => void process.kill(await serverPid(dataDir), 'SIGINT')],
    [
      'somebody terminates its connections',
      async (mark: string) => {
        const ours = `wait_event = 'PgSleep' and query like $1`;
        await database.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`, [`%${mark}%`]);
      },
    ],
  ])('a database that goes away is a 503 when %s, and works again by itself', async (_case, trouble) => {
    const failures = await failuresDuring(trouble);
    for (const failure of failures) {
      expect([failure, isDatabaseAway(failure)]).toEqual([expect.any(Error), true]);
      expect(toServiceError(failure)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '5' } });
    }
  });

  it('a database that goes away is a 503 for what comes while nothing listens', async () => {
    const port = await closedPort();
    const url = `postgres://nobody@127.0.0.1:${port}/none`;
    const failure = await new DataSource(dataSourceOptions(testConfig(), url))
      .initialize()
      .catch((error: unknown) => error);
    expect([failure, isDatabaseAway(failure)]).toEqual([expect.any(Error), true]);
  });

  it.each<[string, string, (url: URL) => Promise<void> | void]>([
    ['the database was dropped', '3D000', (url) => void (url.pathname = '/dropped')],
    ['the password was replaced', '28P01', (url) => void (url.password = 'old')],
    [
      'no connection is free',
      '53300',
      async (url) => {
        await database.query(`create role crowded login password 'crowded' connection limit 0`);
        url.username = url.password = 'crowded';
      },
    ],
  ])('a database that goes away is a 503 when %s (%s)', async (_case, code, change) => {
    const url = new URL(server.url);
    await change(url);
    const failure = await new DataSource(dataSourceOptions(testConfig(), url.href))
      .initialize()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(toServiceError(failure)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '5' } });
  });

  it('a server that has no room for another connection is waited for while one of the pool is in use', async () => {
    await database.query(`create role alone login password 'alone' connection limit 1`);
    const url = new URL(server.url);
    url.username = url.password = 'alone';
    const source = await new DataSource(dataSourceOptions(testConfig(), url.href)).initialize();
    try {
      const small = new Database(source);
      const open = await small.begin();
      const waiting = small.query('select 1 as one');
      await open.commit();
      expect(await waiting).toEqual([{ one: 1 }]);
    } finally {
      await source.destroy();
    }
  });

  it('connections that all hang, because their server vanished, are given up after a minute without a free one', async () => {
    const source = await new DataSource(dataSourceOptions(testConfig({ poolSize: 2 }), url)).initialize();
    const hanging = new Database(source);
    await hanging.transaction((tx) => Promise.all([tx.query('select 1'), hanging.query('select 1')]));
    const { options } = hanging.pool;
    options.connectionTimeoutMillis = 20;
    const frozen = [...sockets];
    for (const socket of frozen) socket.pause();
    let ahead = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => Date.now() + ahead);
    try {
      const underWay = Promise.allSettled([hanging.query('select 1'), hanging.query('select 1')]);
      await expect(hanging.query('select 1')).rejects.toThrow('timeout exceeded');
      ahead = 60_000;
      await expect(hanging.query('select 1')).rejects.toThrow('timeout exceeded');
      options.connectionTimeoutMillis = 10_000;
      expect(await hanging.query('select 1 as one')).toEqual([{ one: 1 }]);
      for (const socket of frozen) socket.resume();
      const failures = (await underWay).filter(({ status }) => status === 'rejected');
      expect(failures.map((outcome) => 'reason' in outcome && isDatabaseAway(outcome.reason))).toEqual([true]);
    } finally {
      now.mockRestore();
      await source.destroy();
    }
  });

  it('a database that goes away is a 503 for what is written while a standby answers (25006)', async () => {
    const failure = await database
      .transaction(async (tx) => {
        await tx.execute('set transaction read only');
        await tx.execute('create table written (id int)');
      })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: '25006' });
    expect(isDatabaseAway(failure)).toBe(true);
  });

  it.each([
    [
      '08006',
      'connection to the remote node service@10.0.0.2:5432 failed with the following error: connection not open',
      true,
    ],
    ['XX000', 'could not commit transaction for shard 102010 on at least one active node', true],
    ['XX000', 'failure on connection marked as essential: 10.0.0.2:5432', true],
    ['XX000', 'could not find block containing chunk', false],
  ])('a data node that goes away is a database that is away: %s, %s: %s', async (code, message, away) => {
    const failure = await database
      .query(`do $$ begin raise exception using errcode = '${code}', message = '${message}'; end $$`)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message });
    expect(isDatabaseAway(failure)).toBe(away);
  });

  it('a database that goes away is a 503 when every connection is busy for longer than a request waits', async () => {
    const options = dataSourceOptions(testConfig({ poolSize: 1 }), server.url);
    const busy = await new DataSource({
      ...options,
      extra: { ...options.extra, connectionTimeoutMillis: 50 },
    }).initialize();
    const small = new Database(busy);
    await small.transaction(async () => {
      const failure = await small.query('select 1').catch((error: unknown) => error);
      expect([failure, isDatabaseAway(failure)]).toEqual([expect.any(Error), true]);
    });
    await busy.destroy();
  });

  it('a wrong statement is not taken for a database that is away', async () => {
    const failure = await database.query('select 1/0').catch((error: unknown) => error);
    expect([failure, isDatabaseAway(failure)]).toEqual([expect.any(Error), false]);
  });
});

async function closedPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
