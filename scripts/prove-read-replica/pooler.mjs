// PgBouncer in transaction mode in front of the replica.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.mjs';
import { pause } from '../prove/stage.mjs';

/** Undefined where there is no PgBouncer. */
export async function startPooler(url) {
  if (spawnSync('pgbouncer', ['--version']).error !== undefined) return undefined;
  const server = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), 'generation-pooler-'));
  // It refuses to run as root, and then must get at its own files as another user.
  await chmod(folder, 0o755);
  const port = await freePort();
  await writeFile(join(folder, 'users.txt'), `"${server.username}" "${decodeURIComponent(server.password)}"\n`);
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
; Few, so that one client's connection is soon another client's.
default_pool_size = 3
`,
  );
  const asOther = userInfo().uid === 0 ? ['-u', 'nobody'] : [];
  const pooler = spawn('pgbouncer', [...asOther, join(folder, 'pgbouncer.ini')], { stdio: 'ignore' });
  server.port = String(port);
  for (let tries = 0; !(await answers(server.href)); tries++) {
    if (tries > 50) throw new Error('PgBouncer does not answer');
    await pause(100);
  }
  return {
    url: server.href,
    stop: async () => {
      pooler.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
