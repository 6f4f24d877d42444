// PgBouncer in transaction mode in front of a server.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.mjs';
import { pause } from './stage.mjs';

/** What PgBouncer calls itself; undefined where there is none. */
export function poolerVersion() {
  const { error, stdout } = spawnSync('pgbouncer', ['--version']);
  return error === undefined ? stdout.toString().split('\n')[0] : undefined;
}

/**
 * The server's user may ask it for its figures: connect to the database `pgbouncer`.
 * @param url - of the server; whoever connects is let in with its user and password, to any of its databases
 * @param connections - to the server, for each database: few, so that one client's connection is soon another client's
 */
export async function startPooler(url, connections) {
  const server = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), 'generation-pooler-'));
  // It refuses to run as root, and then must get at its own files as another user.
  await chmod(folder, 0o755);
  const port = await freePort();
  const files = { auth: join(folder, 'users.txt'), ini: join(folder, 'pgbouncer.ini') };
  await writeFile(files.auth, `"${server.username}" "${decodeURIComponent(server.password)}"\n`);
  await writeFile(
    files.ini,
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${files.auth}
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 2000
server_idle_timeout = 2
; By default a query waits 120 s for a database that is away before the client is told, and 15 s more after it is back.
server_login_retry = 0
query_wait_timeout = 2
stats_users = ${server.username}
; Tests drop their databases when they are done.
server_fast_close = 1
log_connections = 0
log_disconnections = 0
`,
  );
  const asOther = userInfo().uid === 0 ? ['-u', 'nobody'] : [];
  const pooler = spawn('pgbouncer', [...asOther, files.ini], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  pooler.stderr.on('data', (chunk) => (said += chunk));
  const stop = async () => {
    pooler.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  server.port = String(port);
  for (let tries = 0; !(await answers(server.href)); tries++) {
    if (tries > 50) {
      await stop();
      throw new Error(`PgBouncer does not answer: ${said}`);
    }
    await pause(100);
  }
  return { url: server.href, stop };
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
