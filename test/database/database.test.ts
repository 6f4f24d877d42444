import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppConfig } from '../../src/config/app-config.js';
import { CommonModule } from '../../src/common/common.module.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { Database } from '../../src/database/database.service.js';
import { Leases } from '../../src/database/leases.service.js';
import { migrateDatabase, prepareDatabase } from '../../src/database/prepare-database.js';
import { describeSchema } from '../../src/database/schema-dump.js';
import { StatementNames } from '../../src/database/statement-names.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { testConfig } from '../support/database-config.js';
import { serverIsRunning, temporaryDataDir } from './embedded/host.js';

Logger.overrideLogger(false);

// Real: PostgreSQL, TypeORM's module and the embedded server.

let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase({ settings: { poolSize: 1 } });
  await db.database.execute('create table notes (words text)');
});
afterAll(() => db.drop());

const countNotes = async () => (await db.database.query('select 1 from notes')).length;

describe('a transaction', () => {
  it('a transaction is committed when its work resolves, and answers what the work answered', async () => {
    const answer = await db.database.transaction(async (tx) => {
      expect(await tx.execute(`insert into notes values ('a'), ('b')`)).toBe(2);
      return (await tx.query<{ words: string }>('select words from notes order by 1')).map((row) => row.words);
    });
    expect(answer).toEqual(['a', 'b']);
    expect(await countNotes()).toBe(2);
  });

  it('a transaction is rolled back when its work throws, and gives its connection back', async () => {
    const before = await countNotes();
    const failing = db.database.transaction(async (tx) => {
      await tx.execute(`insert into notes values ('lost')`);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    // The pool has a single connection: if it were not given back, this would wait without end.
    expect(await countNotes()).toBe(before);
  });

  it('a connection that ends in the moment in which it is handed over does not end the process', async () => {
    const told: boolean[] = [];
    for (const hand of ['new', 'idle']) {
      await new Promise<void>((resolve) => {
        db.pool.connect((_, client, release) => {
          if (client === undefined) throw new Error(`no ${hand} connection`);
          told.push(client.emit('error', new Error('terminating connection due to administrator command')));
          release();
          resolve();
        });
      });
    }
    expect(told).toEqual([true, true]);
  });

  it('a transaction whose connection breaks between two statements fails, and the pool gets a new one', async () => {
    const broken = db.database.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      const other = await createTestDatabase();
      const ended = new Promise<void>((resolve) => tx.client.once('end', resolve));
      await other.database.query('select pg_terminate_backend($1)', [row?.pid]);
      await ended;
      await other.drop();
      await tx.query('select 1');
    });
    await expect(broken).rejects.toThrow();
    expect(await db.database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('DATABASE_PREPARED', () => {
  const prepared = () =>
    db.database.query<{ statement: string }>('select statement from pg_prepared_statements order by prepare_time');

  it('DATABASE_PREPARED unset leaves nothing in the connection that PgBouncer could mix up', async () => {
    await db.database.query('select $1::int', [1]);
    expect(await prepared()).toEqual([]);
  });

  it('DATABASE_PREPARED plans a text once for all its calls', async () => {
    const fast = new Database(db.dataSource, { database: { prepared: true } });
    const text = 'select $1::int + 1 as next';
    for (const value of [1, 2, 3]) expect(await fast.query(text, [value])).toEqual([{ next: value + 1 }]);
    expect(await fast.transaction((tx) => tx.query(text, [4]))).toEqual([{ next: 5 }]);
    expect(await prepared()).toEqual([{ statement: text }]);
  });

  it('DATABASE_PREPARED names no more texts than a connection can hold', () => {
    const names = new StatementNames();
    const all = Array.from({ length: 600 }, (_, index) => names.nameOf(`select ${index}`));
    expect(new Set(all.filter((name) => name !== undefined)).size).toBe(500);
    expect(all[599]).toBeUndefined();
    expect(names.nameOf('select 0')).toBe(all[0]);
  });
});

describe('the module', () => {
  it('the database module hands out the database and the leases, on one pool', async () => {
    const config = { ...testConfig(), jobs: { leaseSeconds: 60, retentionDays: 30 } } as AppConfig;
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(config), CommonModule, DatabaseModule.forRoot(config, db.url)],
    }).compile();
    const database = module.get(Database);
    expect(await database.query('select current_setting($1) as name', ['application_name'])).toEqual([
      { name: 'generation-service all' },
    ]);
    expect(module.get(Leases)).toBeInstanceOf(Leases);
    await module.close();
    await expect(database.query('select 1')).rejects.toThrow();
  });
});

describe('what comes before the application', () => {
  it('a start refuses a DATABASE_URL whose schema is not there, and ROLE=migrate makes it', async () => {
    const empty = await createTestDatabase({ empty: true });
    const config = testConfig({ url: empty.url });
    await expect(prepareDatabase(config)).rejects.toThrow(/ROLE=migrate/);
    await migrateDatabase(config, []);
    expect((await prepareDatabase(config)).url).toBe(empty.url);
    await empty.drop();
  });

  it('ROLE=migrate with CITUS refuses a server without the extension, and a read replica, before anything is changed, and says what to do', async () => {
    const empty = await createTestDatabase({ empty: true });
    for (const aim of ['distributed', 'local'] as const) {
      const config = testConfig({ url: empty.url, citus: { aim, shardCount: 8, colocateWith: 'none' } });
      await expect(migrateDatabase(config, ['batch_lots'])).rejects.toThrow(
        /not have the extension citus.*shared_preload_libraries.*create extension citus/,
      );
    }
    const citus = { aim: 'distributed', shardCount: 8, colocateWith: 'none' } as const;
    const replicated = testConfig({ url: empty.url, readUrl: empty.url, citus });
    await expect(migrateDatabase(replicated, ['batch_lots'])).rejects.toThrow(
      /DATABASE_READ_URL is set.*Leave .* empty/,
    );
    expect(await describeSchema(empty.database)).toBe('');
    // As it is by default: nothing is asked of Citus.
    await migrateDatabase(
      testConfig({ url: empty.url, citus: { aim: 'as-is', shardCount: 8, colocateWith: 'none' } }),
      ['batch_lots'],
    );
    expect(await describeSchema(empty.database)).toContain('create table batch_lots');
    await empty.drop();
  });

  it('a start without a DATABASE_URL starts and migrates the embedded server', async () => {
    const { dataDir, remove } = await temporaryDataDir();
    const config = testConfig({ dataDir });
    const { url, stop } = await prepareDatabase(config);
    expect((await prepareDatabase(testConfig({ url }))).url).toBe(url);
    await stop();
    expect(await serverIsRunning(dataDir)).toBe(false);
    await remove();
  });
});
