import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.js';
import { SECRETS, TestService } from '../support/service.js';
import { Processes } from './processes.js';

// Real: the service in a process of its own, PostgreSQL. Faked: the network between them, by a port that opens late.

let observer: TestService;
let processes: Processes;

beforeAll(async () => {
  observer = await TestService.start({ environment: { ROLE: 'api' } });
  processes = await Processes.of(observer);
});
afterEach(() => processes.killAll());
afterAll(async () => {
  await observer.stop();
});

describe('a start that fails', () => {
  it('a start that fails says what is wrong with the settings in a line of the log like any other, and never a value', async () => {
    const { code, lines } = await processes.run({ SHARED_KEY: 'short-secret', ROLE: 'worker', PORT: 'x' });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? '') as { level: string; reason: string };
    expect(line).toMatchObject({ level: 'fatal', context: 'Start', message: 'the service cannot start' });
    for (const name of ['SHARED_KEY', 'DATABASE_URL', 'PORT']) expect(line.reason).toContain(name);
    expect(lines[0]).not.toContain('short-secret');
  });

  it('a start that fails names hosts and networks that are none too, before anything is started', async () => {
    const settings = { SHARED_KEY: 'x'.repeat(32), OUTBOUND_ALLOW: '10.0.0.0/99', DATABASE_URL: observer.db.url };
    const { code, lines } = await processes.run(settings);
    expect([code, lines.map((line) => (JSON.parse(line) as { level: string }).level)]).toEqual([1, ['fatal']]);
    expect(lines[0]).toContain('OUTBOUND_ALLOW: entry 1');
  });

  it('a start tells a database of the older service apart, and leaves it as it is', async () => {
    const older = await createTestDatabase({ empty: true });
    await older.database.execute('create table batch_jobs (id text primary key, status text)');
    await older.database.execute('create table migrations (version text)');
    for (const role of ['migrate', 'api']) {
      const settings = { SHARED_KEYS: JSON.stringify(SECRETS), OPENAI_API_KEY: 'test', PORT: '0' };
      const { code, lines } = await processes.run({ ...settings, DATABASE_URL: older.url, ROLE: role });
      expect(code).toBe(1);
      expect(lines.at(-1)).toMatch(/batch_jobs.*older service.*new, empty database.*docs\/migration\.md/);
    }
    const [left] = await older.database.query<{ tables: string }>(
      `select string_agg(table_name, ',' order by table_name) as tables from information_schema.tables where table_schema = 'public'`,
    );
    expect(left?.tables).toBe('batch_jobs,migrations');
    await older.drop();
  });

  it('a start does not wait for a password that is wrong', async () => {
    const url = new URL(observer.db.url);
    url.username = 'nobody';
    url.password = 'wrong';
    const { code, lines } = await processes.run({
      SHARED_KEY: 'x'.repeat(32),
      ROLE: 'migrate',
      DATABASE_URL: url.href,
    });
    expect(code).toBe(1);
    expect(lines.join()).not.toContain('cannot be reached yet');
  });
});

describe('a start before its database', () => {
  let late: Server | undefined;
  afterEach(() => late?.close());

  it('a start before its database waits for it and works', async () => {
    const real = new URL(observer.db.url);
    const placeholder = createServer().listen(0, '127.0.0.1');
    await once(placeholder, 'listening');
    const { port } = placeholder.address() as AddressInfo;
    placeholder.close();
    await once(placeholder, 'close');
    const url = new URL(real);
    url.host = `127.0.0.1:${port}`;
    const starting = processes.start({ DATABASE_URL: url.href }, (log) => {
      if (late !== undefined || !log.includes('the database cannot be reached yet')) return;
      late = createServer((socket) => {
        const there = connect(Number(real.port), real.hostname);
        for (const end of [socket, there]) end.on('error', () => undefined);
        socket.pipe(there).pipe(socket);
      }).listen(port, '127.0.0.1');
    });
    const { log } = await starting;
    expect(late).toBeDefined();
    expect(log()).toContain('"message":"ready"');
  });
});
