// npm run prove:pgbouncer [-- test/e2e …]: the tests of test/e2e (or those named) with the service behind PgBouncer in
// transaction mode. The tests themselves look at the database directly.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { stopAtSignal } from './prove/at-signal.mjs';
import { poolerVersion, startPooler } from './prove/pooler.mjs';

const version = poolerVersion();
if (version === undefined) {
  console.error('This needs a program that is not here: apt-get install pgbouncer');
  process.exit(2);
}
const { startEmbeddedPostgres } = await import('../dist/database/embedded/embedded-postgres.js');
const quiet = { log() {}, warn() {}, error: console.error };
const folder = await mkdtemp(join(tmpdir(), 'generation-pgbouncer-'));
// After a crash nothing here is needed any more.
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
const database = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), logger: quiet, settings });
let pooler;
let tests;
const stop = stopAtSignal(async () => {
  tests?.kill('SIGTERM');
  await pooler?.stop();
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});
let code = 1;
try {
  pooler = await startPooler(database.url, 6);
  const named = process.argv.slice(2);
  tests = spawn('npx', ['vitest', 'run', ...(named.length > 0 ? named : ['test/e2e']), '--maxWorkers=1'], {
    stdio: 'inherit',
    env: { ...process.env, TEST_DATABASE_URL: database.url, TEST_POOLER_URL: pooler.url },
  });
  [code] = await once(tests, 'exit');
  console.log(`${version}, transaction mode: ${await counted(pooler.url)}; load ${loadavg()[0].toFixed(1)}`);
} catch (error) {
  console.error(error);
} finally {
  await stop();
}
console.log(code === 0 ? 'PROVEN: all pass through the pooler' : 'NOT PROVEN');
process.exit(code === 0 ? 0 : 1);

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
