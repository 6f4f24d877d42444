import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtService } from '../../support/built-service.js';
import { Host, query, serverIsRunning, serverPid, temporaryDataDir } from './host.js';

// Real: the service's process (reduced to its database), the server, and every kill.

let dataDir: string;
let remove: () => Promise<void>;
let hosts: Host[] = [];

function startHost(): Host {
  const host = new Host(dataDir, { env: { LC_ALL: 'C' } });
  hosts.push(host);
  return host;
}

beforeAll(() => builtService());
beforeEach(async () => {
  hosts = [];
  ({ dataDir, remove } = await temporaryDataDir());
});

afterEach(async () => {
  for (const host of hosts) await host.kill();
  await remove();
});

async function hostWithData(): Promise<{ host: Host; url: string; pid: number }> {
  const host = startHost();
  const url = await host.says('ready');
  await query(url, 'create table kept as select 42 as answer');
  return { host, url, pid: await serverPid(dataDir) };
}

const kept = (url: string) => query(url, 'select answer from kept');

describe('after kill -9', () => {
  it('after kill -9 of the service, the next start adopts the server that lives on', async () => {
    const { host, url, pid } = await hostWithData();
    await host.kill();
    const next = await startHost().says('ready');
    expect(next).toBe(url);
    expect(await serverPid(dataDir)).toBe(pid);
    expect(await kept(next)).toEqual([{ answer: 42 }]);
  });

  it('after kill -9 of the server, the living service brings it back under the same address', async () => {
    const { host, url, pid } = await hostWithData();
    process.kill(pid, 'SIGKILL');
    await host.says('log the embedded database is running again');
    expect(await serverPid(dataDir)).not.toBe(pid);
    expect(await kept(url)).toEqual([{ answer: 42 }]);
  });

  it('after kill -9 of one connection of the server, which makes it restart all of them, the service keeps its claim on it', async () => {
    const { host, url, pid } = await hostWithData();
    const [row] = await query<{ pid: number }>(
      url,
      `select pid from pg_stat_activity where application_name like 'generation-service owner%'`,
    );
    process.kill(row?.pid as number, 'SIGKILL');
    await host.says('log the embedded database is running again');
    expect(await serverPid(dataDir)).toBe(pid);
    expect(await startHost().says('failed')).toMatch(/Another running service/);
    expect(await kept(url)).toEqual([{ answer: 42 }]);
  });

  it('after kill -9 of both, the next start recovers the data', async () => {
    const { host, pid } = await hostWithData();
    await host.kill();
    process.kill(pid, 'SIGKILL');
    const next = await startHost().says('ready');
    expect(await serverPid(dataDir)).not.toBe(pid);
    expect(await kept(next)).toEqual([{ answer: 42 }]);
  });
});

describe('a server that is just going down', () => {
  it('a server that is just going down is waited for, and then started', async () => {
    const { host, url, pid } = await hostWithData();
    await host.kill();
    const last = new pg.Client({ connectionString: url });
    await last.connect();
    // A smart stop: no new connection is let in, and the server ends with its last one.
    process.kill(pid, 'SIGTERM');
    await expect.poll(() => query(url, 'select 1').catch((error: { code: string }) => error.code)).toBe('57P03');
    const next = startHost();
    const ready = next.says('ready');
    await expect.poll(async () => next.process.exitCode ?? (await serverPid(dataDir))).toBe(pid);
    await last.end();
    expect(await kept(await ready)).toEqual([{ answer: 42 }]);
    expect(await serverPid(dataDir)).not.toBe(pid);
  });
});

describe('Ctrl-C', () => {
  it('a Ctrl-C that reaches the whole process group leaves the server to answer during the drain', async () => {
    const { host } = await hostWithData();
    host.signalGroup('SIGINT');
    await host.says('drained');
    await host.says('stopped');
    await host.exited;
    expect(host.process.exitCode).toBe(0);
    expect(await serverIsRunning(dataDir)).toBe(false);
  });
});
