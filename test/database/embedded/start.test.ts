import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../src/database/embedded/embedded-postgres.js';
import { runningDatabase } from '../../../src/database/embedded/running-server.js';
import { canReach } from '../../../src/database/embedded/server-user.js';
import { builtService } from '../../support/built-service.js';
import { dataFolder, Host, query, serverIsRunning, serverPid, temporaryDataDir } from './host.js';

// Real: the server, its programs and every process that is killed. Nothing is faked.

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };

let dataDir: string;
let remove: () => Promise<void>;
let server: EmbeddedPostgres | undefined;
const warnings: string[] = [];
const logger = { log: () => undefined, warn: (text: string) => warnings.push(text), error: console.error };

async function start(): Promise<EmbeddedPostgres> {
  server = await startEmbeddedPostgres({ dataDir, logger });
  return server;
}

beforeAll(() => builtService());
beforeEach(async () => {
  warnings.length = 0;
  ({ dataDir, remove } = await temporaryDataDir());
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
  await remove();
});

describe('a first start', () => {
  it('a first start makes a cluster of UTF-8 and locale C, and listens on loopback only', async () => {
    const { url } = await start();
    const [row] = await query(
      url,
      `select current_setting('server_encoding') as encoding, datcollate as collation, datctype as ctype,
              current_setting('listen_addresses') as listens, current_setting('unix_socket_directories') as sockets,
              current_setting('TimeZone') as zone
         from pg_database where datname = current_database()`,
    );
    expect(row).toEqual({
      encoding: 'UTF8',
      collation: 'C',
      ctype: 'C',
      listens: '127.0.0.1',
      sockets: '',
      zone: 'UTC',
    });
    expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  it('a first start keeps its password to itself, and asks for it', async () => {
    const { url } = await start();
    const file = await stat(join(await dataFolder(dataDir), '..', 'password'));
    expect(file.mode & 0o777).toBe(0o600);
    const guessed = new URL(url);
    guessed.password = 'postgres';
    await expect(query(guessed.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it("a first start's server is stopped, twice without harm", async () => {
    const started = await start();
    expect(await serverIsRunning(dataDir)).toBe(true);
    await started.stop();
    await started.stop();
    expect(await serverIsRunning(dataDir)).toBe(false);
  });

  it('a first start removes what a start left behind that was killed while it made the cluster', async () => {
    // Process ids end at 2^22 on Linux, so this one never runs.
    const abandoned = join(dataDir, 'pg18.new-4999999-abcd');
    await mkdir(join(abandoned, 'data'), { recursive: true });
    await start();
    await expect(stat(abandoned)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a first start refuses to begin empty beside the data of another major version, and touches nothing', async () => {
    const older = join(dataDir, 'pg15', 'data');
    await mkdir(older, { recursive: true });
    await writeFile(join(older, 'PG_VERSION'), '15\n');
    await expect(start()).rejects.toThrow(/pg15.*Nothing was touched.*move pg15 away/s);
    expect(await readFile(join(older, 'PG_VERSION'), 'utf8')).toBe('15\n');
    expect(await dataFolder(dataDir)).toBe(older);
  });
});

describe('a folder in use', () => {
  it('a folder in use is refused while its owner lives, with words on what to do', async () => {
    await start();
    await expect(startEmbeddedPostgres({ dataDir, logger })).rejects.toThrow(/Another running service.*DATA_DIR/s);
  });

  it('a folder in use is found by a command beside its owner, which stays the owner', async () => {
    expect(await runningDatabase(dataDir)).toBeNull();
    const { url, stop } = await start();
    const found = await runningDatabase(dataDir);
    expect(found).toBe(url);
    expect(await query(found as string, 'select 42 as answer')).toEqual([{ answer: 42 }]);
    await stop();
    expect(await runningDatabase(dataDir)).toBeNull();
    expect(await runningDatabase(join(dataDir, 'nowhere'))).toBeNull();
  });

  it('of two first starts at once, one gets the cluster and the other is told that the folder is in use', async () => {
    const [first, second] = await Promise.allSettled([
      startEmbeddedPostgres({ dataDir, logger }),
      startEmbeddedPostgres({ dataDir, logger }),
    ]);
    const [won, lost] = first.status === 'fulfilled' ? [first, second] : [second, first];
    if (won.status !== 'fulfilled' || lost.status !== 'rejected') throw new Error('expected one winner');
    server = won.value;
    expect(String(lost.reason)).toMatch(/Another running service/);
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('a postmaster.pid that outlived its server', () => {
  it.each([
    ['names a foreign process', () => process.pid],
    ['is empty', () => ''],
  ])(
    'a postmaster.pid that outlived its server and %s does not keep the next start from working',
    async (_case, pid) => {
      await (await start()).stop();
      const file = join(await dataFolder(dataDir), 'postmaster.pid');
      await writeFile(file, `${pid()}\n/nowhere\n1700000000\n1\n\n127.0.0.1\n 1 1\nready\n`);
      const { url } = await start();
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(await serverPid(dataDir)).not.toBe(process.pid);
      expect(warnings.join()).toMatch(/removing postmaster.pid/);
    },
  );
});

describe.runIf(isRoot)('as root', () => {
  it('a start as root runs the server as an ordinary user, inside a folder that this user cannot reach', async () => {
    expect(canReach(dataDir, NOBODY)).toBe(false);
    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    const status = await readFile(`/proc/${await serverPid(dataDir)}/status`, 'utf8');
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).not.toBe('0');
    expect(/^Groups:\s*$/m.test(status)).toBe(true);
  });
});

describe.runIf(isRoot && canReach(import.meta.dirname, NOBODY))('as a plain user', () => {
  it('a start as a plain user works and stops, whatever the locale of the machine', async () => {
    const { dataDir: theirs, remove: removeTheirs } = await temporaryDataDir();
    await chown(theirs, NOBODY.uid, NOBODY.gid);
    const host = new Host(theirs, { ...NOBODY, env: { LC_ALL: 'C' } });
    const url = await host.says('ready');
    expect(await query(url, `select 'ж' = E'\\u0436' as same`)).toEqual([{ same: true }]);
    host.process.kill('SIGINT');
    await host.says('stopped');
    await removeTheirs();
  });

  it('a plain user is told so when the cluster or the folder is not theirs', async () => {
    await chmod(dataDir, 0o755);
    expect(await new Host(dataDir, NOBODY).says('failed')).toMatch(/has no folder: EACCES.*DATA_DIR/);
    await mkdir(join(dataDir, 'pg18'), { mode: 0o700 });
    expect(await new Host(dataDir, NOBODY).says('failed')).toMatch(/belongs to another user/);
  });
});
