// npm run prove:pgbouncer [-- test/e2e …]: the tests of test/e2e (or those named) with the service behind PgBouncer in
// transaction mode. The tests themselves look at the database directly.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.mjs';
import { stopAtSignal } from './prove/at-signal.mjs';
import { pause } from './prove/stage.mjs';

const version = spawnSync('pgbouncer', ['--version']);
if (version.error !== undefined) {
  console.error('This needs a program that is not here: apt-get install pgbouncer');
  process.exit(2);
}
const { startEmbeddedPostgres } = await import('../dist/database/embedded/embedded-postgres.js');
const quiet = { log() {}, warn() {}, error: console.error };
const folder = await mkdtemp(join(tmpdir(), 'generation-pgbouncer-'));
// It refuses to run as root, and then must get at its own files as another user.
chmodSync(folder, 0o755);
// After a crash nothing here is needed any more.
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
const database = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), logger: quiet, settings });
const server = new URL(database.url);
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
; Few, so that one client's connection is soon another client's.
default_pool_size = 6
max_client_conn = 2000
server_idle_timeout = 2
; By default a query waits 120 s for a database that is away before the client is told, and 15 s more after it is back.
server_login_retry = 0
query_wait_timeout = 2
stats_users = ${server.username}
; The tests drop their databases when they are done.
server_fast_close = 1
log_connections = 0
log_disconnections = 0
`,
);
const asOther = userInfo().uid === 0 ? ['-u', 'nobody'] : [];
const pooler = spawn('pgbouncer', [...asOther, files.ini], { stdio: ['ignore', 'ignore', 'pipe'] });
let said = '';
pooler.stderr.on('data', (chunk) => (said += chunk));
let tests;
const stop = stopAtSignal(async () => {
  tests?.kill('SIGTERM');
  pooler.kill('SIGKILL');
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});
let code = 1;
try {
  const through = new URL(server);
  through.port = String(port);
  await answers(through);
  const named = process.argv.slice(2);
  tests = spawn('npx', ['vitest', 'run', ...(named.length > 0 ? named : ['test/e2e']), '--maxWorkers=1'], {
    stdio: 'inherit',
    env: { ...process.env, TEST_DATABASE_URL: database.url, TEST_POOLER_URL: through.href },
  });
  [code] = await once(tests, 'exit');
  console.log(
    `${version.stdout.toString().split('\n')[0]}, transaction mode: ${await counted(through)}; load ${loadavg()[0].toFixed(1)}`,
  );
} catch (error) {
  console.error(error, said);
} finally {
  await stop();
}
console.log(code === 0 ? 'PROVEN: all pass through the pooler' : 'NOT PROVEN');
process.exit(code === 0 ? 0 : 1);

async function answers(url) {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: url.href });
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (tries > 50) throw error;
      await pause(100);
    }
  }
}

/** What went through the pooler, so that a run that went past it cannot look like one that went through. */
async function counted(url) {
  const admin = new URL(url);
  admin.pathname = '/pgbouncer';
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  const { rows } = await client.query('show stats_totals');
  await client.end();
  const sum = (name) => rows.reduce((total, row) => total + Number(row[name] ?? 0), 0);
  if (sum('xact_count') < 100) code = 1;
  return `${sum('xact_count')} transactions, ${sum('query_count')} queries in ${rows.length - 1} databases`;
}
