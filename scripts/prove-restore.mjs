// npm run prove:restore [-- --lots N --keep SECONDS]: a backup is made while a batch is under way at OpenAI; then more is
// sent, answered and taken in, and the machine is lost. The backup is restored into an empty server. At the end everything
// is counted at OpenAI: what was found again, and what was paid twice.
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { stopAtSignal } from './prove/at-signal.mjs';
import { JobClient } from './prove/job-client.mjs';
import { recountTables } from './prove/recount.mjs';
import { jobBody, pause, ready, setStage } from './prove/stage.mjs';
import { Upstream } from './prove/upstream.mjs';
import { Server, toolsFolder } from './prove-restore/servers.mjs';
import pg from 'pg';

const { values } = parseArgs({
  options: { lots: { type: 'string', default: '200' }, keep: { type: 'string', default: '86400' } },
});
const LOTS = Number(values.lots);
/** Seconds of the sandbox's own clock that a batch still takes when its lines have run; moved on when one is to end. */
const RUN_SECONDS = 3600;
const bin = toolsFolder();
if (bin === undefined) {
  console.error('This needs pg_dump and a PostgreSQL of the same version: apt-get install postgresql');
  process.exit(2);
}

const stage = await setStage({ sandbox: { SANDBOX_BATCH_FINALIZE_SECONDS: String(RUN_SECONDS) } });
const upstream = new Upstream(stage.openai);
const servers = [];
// Beside the stage's folder, because the tools of PostgreSQL may run as another user.
const dump = `${stage.folder}.dump`;
let pool;
const stop = stopAtSignal(async () => {
  await pool?.end();
  await stage.stop();
  for (const server of servers) server.stop();
  await rm(dump, { force: true });
});
let proven = true;
try {
  const first = await newServer();
  const settings = { ROLE: 'all', ACTIVE_BATCH_LIMIT_KEY: '1', BATCH_KEEP_FILES: values.keep, SUBMIT_GRACE: '3' };
  let service = await start(first, settings);
  let client = new JobClient(service.origin);

  const jobs = {
    'taken in before the backup': await create(client, 'before'),
  };
  await underWay(client, jobs['taken in before the backup']);
  await endBatches(client, jobs['taken in before the backup']);
  jobs['under way at the backup'] = await create(client, 'underway');
  await underWay(client, jobs['under way at the backup']);
  // One batch of a key at a time: these wait in the queue.
  const queued = [await create(client, 'queued'), await create(client, 'second')];

  first.dump(dump);
  await endBatches(client, jobs['under way at the backup']);
  const [next, last] = await inTheirOrder(queued);
  jobs['queued at the backup, taken in after it'] = next;
  jobs['queued at the backup, under way at the loss'] = last;
  await endBatches(client, next);
  await underWay(client, last);
  const unknown = await create(client, 'after');
  service.child.kill('SIGKILL');
  await once(service.child, 'exit');
  first.stop();
  servers.splice(0, 1);
  // Meanwhile OpenAI works on.
  await upstream.advance(RUN_SECONDS + 60);

  const second = await newServer();
  second.restore(dump);
  const restored = performance.now();
  service = await start(second, settings);
  client = new JobClient(service.origin);
  pool = new pg.Pool({ connectionString: second.url, max: 2 });
  const rows = [];
  for (const [name, id] of Object.entries(jobs)) {
    await endBatches(client, id);
    const { lots } = await client.results(id);
    const tables = await recountTables(pool, id);
    const batches = await upstream.batches(id);
    const paid = batches.reduce((sum, batch) => sum + batch.request_counts.completed, 0);
    const described = lots.filter(({ status }) => status === 'completed').length;
    rows.push({
      job: name,
      lots: LOTS,
      described,
      'batches at OpenAI': batches.length,
      'paid lots': paid,
      'paid twice': paid - LOTS,
    });
    proven &&= described === LOTS && paid === LOTS && tables.right;
  }
  const direct = await upstream.directCalls();
  const { code } = await client.status(unknown);
  console.table(rows);
  console.log(
    `${direct} direct calls; the job that was accepted after the backup: ${code}; ` +
      `${((performance.now() - restored) / 1000).toFixed(0)} s from the start on the restored database to the last end; load ${loadavg()[0].toFixed(1)}`,
  );
  proven &&= direct === 0 && code === 'JOB_NOT_FOUND';
} finally {
  await stop();
}
console.log(proven ? 'PROVEN: all that was paid for was found again, nothing was paid twice' : 'NOT PROVEN');
process.exit(proven ? 0 : 1);

async function newServer() {
  const server = await Server.start(bin);
  servers.push(server);
  return server;
}

/** The migration, as at every start of a new version, then the service. */
async function start(server, settings) {
  const migration = await stage.startService({ ...settings, ROLE: 'migrate', DATABASE_URL: server.url });
  const [code] = await once(migration.child, 'exit');
  if (code !== 0) throw new Error('the migration failed');
  const service = await stage.startService({ ...settings, DATABASE_URL: server.url });
  await ready(service);
  return service;
}

async function create(client, name) {
  const { lots } = JSON.parse(jobBody(stage.photos, name, LOTS, { images: 2, languages: ['en', 'de'] }));
  const { body } = await client.create(lots);
  if (body.job_id === undefined) throw new Error(JSON.stringify(body));
  return body.job_id;
}

function underWay(client, jobId) {
  return client.until(jobId, 'its batch is under way', async () => {
    const [batch] = await upstream.batches(jobId);
    return batch?.status === 'finalizing';
  });
}

/** The one of two queued jobs whose batch was made first, when it is under way, and the other one. */
async function inTheirOrder([one, other]) {
  for (;;) {
    if ((await upstream.batches(one))[0]?.status === 'finalizing') return [one, other];
    if ((await upstream.batches(other))[0]?.status === 'finalizing') return [other, one];
    await pause(200);
  }
}

/** Moves the sandbox's clock until the job has ended. */
async function endBatches(client, jobId) {
  await upstream.advance(RUN_SECONDS + 60);
  await client.settled(jobId);
  await client.ended(jobId);
  await pause(1500);
}
