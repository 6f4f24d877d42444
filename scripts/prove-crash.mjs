// npm run prove:crash [-- --kills N --lots N --seed N]: three replicas, of which about every second one is killed with
// kill -9, while the database is restarted and connections are cut. At the end everything is counted by other code.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopAtSignal } from './prove/at-signal.mjs';
import { jobBody, pause, ready, setStage, signed } from './prove/stage.mjs';
import { ClientRecount, readNdjson, recountBatches, recountTables } from './prove/recount.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    lots: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
  },
});
const KILLS = Number(values.kills);
const LOTS = Number(values.lots);
const REPLICAS = 3;
const LANGUAGES = ['en', 'de', 'fi'];
const LEASE_SECONDS = 4;

/** mulberry32: the order of the kills can be repeated. */
let state = Number(values.seed) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const stage = await setStage({ seed: values.seed });
const stop = stopAtSignal(() => stage.stop());
const environment = { LEASE_SECONDS: String(LEASE_SECONDS), BATCH_POLL_INTERVAL: '0.3', SUBMIT_GRACE: '2' };
const replicas = [];
const accepted = [];
const figures = { kills: 0, database_restarts: 0, cut_connections: 0, requests_lost: 0 };

async function start(index) {
  replicas[index] = await stage.startService(environment);
}

/**
 * Creates a job on any living replica; a request whose answer is lost is repeated with its key and must not make two
 * jobs.
 */
async function createJob() {
  const name = `c${accepted.length}`;
  const body = jobBody(stage.photos, name, LOTS, { images: 3, languages: LANGUAGES });
  for (;;) {
    const { origin } = replicas[Math.floor(random() * REPLICAS)];
    const answer = await signed(origin, '/api/v1/generate-descriptions', {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': name },
    }).catch(() => undefined);
    const job = await answer?.json().catch(() => undefined);
    if (job?.job_id !== undefined) {
      accepted.push({ name, id: job.job_id });
      return;
    }
    figures.requests_lost++;
    await pause(200);
  }
}

/** A replica that found no database at its start has ended, so it is started again, as an operator would. */
async function startTheEnded() {
  for (const [index, { child }] of replicas.entries()) {
    if (child.exitCode !== null || child.signalCode !== null) await start(index);
  }
}

async function unfinished() {
  const { rows } = await query(
    `select count(*)::int as n from batch_jobs where status in ('pending', 'processing', 'translating')`,
  );
  return rows[0].n;
}

async function query(text, parameters) {
  for (let tries = 0; ; tries++) {
    try {
      return await stage.pool.query(text, parameters);
    } catch (error) {
      if (tries > 100) throw error;
      await pause(200);
    }
  }
}

async function restartDatabase() {
  const data = join(stage.folder, 'data');
  const cluster = (await readdir(data)).find((name) => /^pg\d+$/.test(name));
  const pid = Number((await readFile(join(data, cluster, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  // Stops the server immediately, like a crash of its machine. The process that keeps it starts it again.
  process.kill(pid, 'SIGQUIT');
  figures.database_restarts++;
}

async function cutConnection() {
  const { rows } = await query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
     order by random() limit 1`,
  );
  figures.cut_connections += rows.length;
}

for (let index = 0; index < REPLICAS; index++) await start(index);
await Promise.all(replicas.map((replica) => ready(replica)));
// If a proof fails, no server may be left running.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.once(event, (error) => {
    console.error(error);
    void stop().finally(() => process.exit(1));
  });
}
const startedAt = Date.now();
await createJob();
while (figures.kills < KILLS) {
  if ((await unfinished()) < 2) await createJob();
  await pause(500 + random() * 1000);
  await startTheEnded();
  const victim = Math.floor(random() * REPLICAS);
  replicas[victim].child.kill('SIGKILL');
  figures.kills++;
  await start(victim);
  if (figures.kills % 50 === 25) await restartDatabase();
  if (figures.kills % 10 === 5) await cutConnection();
}
const killedFor = (Date.now() - startedAt) / 1000;
for (let waited = 0; (await unfinished()) > 0 && waited < 300; waited++) {
  await startTheEnded();
  await pause(1000);
}
for (let waited = 0; waited < 120; waited++) {
  const { rows } = await query(
    `select count(*)::int as n from openai_batches where status not in ('done', 'cancelled')`,
  );
  if (rows[0].n === 0) break;
  await pause(1000);
}
await startTheEnded();
await Promise.all(replicas.map((replica) => ready(replica)));

let proven = true;
const sum = {
  jobs: accepted.length,
  accepted_lots: accepted.length * LOTS,
  completed: 0,
  missing: 0,
  doubled: 0,
  wrong_text: 0,
  unfinished: 0,
  wrong_counters: 0,
};
for (const { name, id } of accepted) {
  const recount = new ClientRecount(name, LOTS, LANGUAGES, 3);
  const download = await signed(replicas[0].origin, `/api/v1/batch-results/${id}/download?format=ndjson`);
  await readNdjson(download.body, (lot) => recount.add(lot));
  const client = recount.report();
  const tables = await recountTables(stage.pool, id);
  sum.completed += client.completed;
  sum.missing += client.missing;
  sum.doubled += client.doubled;
  sum.wrong_text += client.foreign_text;
  sum.unfinished += client.incomplete;
  if (!tables.right) sum.wrong_counters++;
}
const jobs = await query(`select count(*)::int as n from batch_jobs where mode = 'batch'`);
const held = await query(
  `select count(*)::int as n from openai_batches where lock_token is not null and status not in ('done', 'cancelled')
   and next_check_at < clock_timestamp() - make_interval(secs => $1)`,
  [LEASE_SECONDS],
);
const batches = await recountBatches(stage.openai);
const orphans = await query(
  `select count(*)::int as n from batch_results r where not exists (select 1 from batch_lots l where l.job_id = r.job_id and l.position = r.position)`,
);
proven &&=
  sum.completed === sum.accepted_lots &&
  sum.missing + sum.doubled + sum.wrong_text + sum.unfinished + sum.wrong_counters === 0 &&
  jobs.rows[0].n === accepted.length &&
  held.rows[0].n === 0 &&
  orphans.rows[0].n === 0 &&
  batches.doubled === 0;
console.log(
  JSON.stringify(
    {
      ...figures,
      seconds_of_killing: killedFor,
      ...sum,
      jobs_in_database: jobs.rows[0].n,
      leases_held_by_the_dead: held.rows[0].n,
      batches,
    },
    null,
    1,
  ),
);
console.log(proven ? `PROVEN: ${figures.kills} kills lost, doubled and miscounted nothing` : 'NOT PROVEN');
await stop();
process.exit(proven ? 0 : 1);
