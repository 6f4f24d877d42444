// npm run prove:read-replica [-- --lots 3000 --history 20000]: a service that reads at a real streaming replica. Its replay is
// paused for ten seconds while jobs are made and end; recovery cancels queries of slow downloads; the replica dies, hangs and
// comes back in the middle of downloads. No client may see anything but what the primary has. Then the same reads are done with
// and without the replica, and what is left for the primary is measured.
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { stopAtSignal } from './prove/at-signal.mjs';
import { hasEnded, JobClient } from './prove/job-client.mjs';
import { poolerVersion, startPooler } from './prove/pooler.mjs';
import { jobBody, pause, ready, setStage, signed } from './prove/stage.mjs';
import { StreamingReplica } from './prove/streaming-replica.mjs';
import { download, fileOf } from './prove-read-replica/downloads.mjs';
import { added, inWords, isUp, outcomes } from './prove-read-replica/figures.mjs';
import { largeJob, listedJobs } from './prove-read-replica/history.mjs';
import { compare } from './prove-read-replica/load.mjs';

const { values } = parseArgs({
  options: { lots: { type: 'string', default: '3000' }, history: { type: 'string', default: '20000' } },
});
const LOTS = Number(values.lots);
const HISTORY = Number(values.history);
/** How long the replica's replay stands still. */
const PAUSED_MS = 10_000;
const SLOW_DOWNLOADS = 6;
const CONFLICTS_MS = 12_000;

const failures = [];
const check = (what, holds) => {
  console.log(`  ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) failures.push(what);
};

let replica;
let pooler;
const stage = await setStage({ seed: 'read-replica' });
const stopAll = stopAtSignal(async () => {
  await pooler?.stop();
  await replica?.remove();
  await stage.stop();
});
try {
  const query = async (text, list) => (await stage.pool.query(text, list)).rows;
  const primary = { query, data: primaryData() };
  const jobId = await largeJob(stage.pool, LOTS);
  // More than the buffers of a connection hold, so that a slow download is still being read when something happens.
  const long = await largeJob(stage.pool, 5 * LOTS);
  await stage.pool.query('vacuum analyze');
  replica = await StreamingReplica.start(
    { url: stage.databaseUrl, data: primary.data },
    // As strict as recovery can be: a query that is in its way is cancelled at once.
    { max_standby_streaming_delay: '0' },
  );
  await replica.caughtUp();
  const alone = await stage.startService({ ROLE: 'api' });
  const beside = await stage.startService({ ROLE: 'api', DATABASE_READ_URL: replica.url, LOG_LEVEL: 'warn' });
  const warnings = linesOf(beside, 'the read replica is away');
  await Promise.all([ready(alone), ready(beside)]);
  const file = await download(alone.origin, fileOf(jobId));
  const longFile = await download(alone.origin, fileOf(long));

  await theSame(beside, jobId, file);
  await conflicts(beside, jobId, file);
  await dies(beside, long, longFile);
  await hangs(beside, long, longFile);
  check('each time that it went away is one line of the log', warnings.count === 2);
  await throughPooler(jobId, file);
  await load({ alone, beside, primary, jobId });
  await stageJobs(beside);
  await endsWhileItHangs();
} finally {
  await stopAll();
}
console.log(`load ${loadavg()[0].toFixed(1)}`);
console.log(failures.length === 0 ? 'holds' : `DOES NOT HOLD: ${failures.join('; ')}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** Every way to read an ended job gives the same bytes at the replica as at the primary. */
async function theSame(beside, jobId, file) {
  console.log(`# An ended job of ${LOTS} lots, ${Math.round(file.bytes / 1e5) / 10} MB`);
  const before = await outcomes(beside);
  const again = await download(beside.origin, fileOf(jobId));
  check('its file has the same bytes from the replica', again.sha256 === file.sha256);
  const rest = await download(beside.origin, fileOf(jobId, `&after=lot-${LOTS - 11}`));
  check('a download that was cut is resumed there', rest.bytes > 0 && rest.bytes < file.bytes / 10);
  const read = added(before, await outcomes(beside));
  console.log(`  read at: ${inWords(read)}`);
  check('all of it was read at the replica', Object.keys(read).join() === 'results replica');
}

/** Recovery cancels queries of downloads that are under way. */
async function conflicts(beside, jobId, file) {
  console.log('# Recovery conflicts while slow downloads are open');
  const victim = await largeJob(stage.pool, 2000, 'other');
  const before = await outcomes(beside);
  const end = performance.now() + CONFLICTS_MS;
  const files = [];
  const slow = Array.from({ length: SLOW_DOWNLOADS }, async () => {
    while (performance.now() < end)
      files.push(await download(beside.origin, fileOf(jobId), { bytesASecond: file.bytes / 2 }));
  });
  // What a vacuum removes for good may still be seen by a query at the replica.
  for (let from = 0; performance.now() < end; from = (from + 20) % 2000) {
    await stage.pool.query(
      'update batch_lots set attempt = attempt + 1 where job_id = $1 and position between $2 and $2 + 19',
      [victim, from],
    );
    await stage.pool.query(
      'update batch_results set fallback = not fallback where job_id = $1 and position between $2 and $2 + 19',
      [victim, from],
    );
    await stage.pool.query('vacuum (index_cleanup off, truncate off) batch_lots');
    await stage.pool.query('vacuum (index_cleanup off, truncate off) batch_results');
  }
  await Promise.all(slow);
  const read = added(before, await outcomes(beside));
  const [{ conflicts: counted }] = await replica.query(
    'select sum(confl_snapshot + confl_lock + confl_bufferpin)::int as conflicts from pg_stat_database_conflicts',
  );
  console.log(`  ${files.length} downloads, ${counted} queries cancelled by recovery; read at: ${inWords(read)}`);
  check('recovery cancelled queries of downloads', counted > 0 && (read['results cancelled'] ?? 0) > 0);
  check(
    'no download was cut, and each has the same bytes',
    files.every(({ sha256 }) => sha256 === file.sha256),
  );
  await replica.caughtUp();
}

/** Begins slow downloads, does something when all have a part, and waits for them. */
async function amid(beside, jobId, file, act) {
  const before = await outcomes(beside);
  let begun = 0;
  let all;
  const everyOne = new Promise((resolve) => (all = resolve));
  const downloads = Array.from({ length: SLOW_DOWNLOADS }, () => {
    let counted = false;
    return download(beside.origin, fileOf(jobId), {
      bytesASecond: file.bytes / 4,
      onBytes: (bytes) => {
        if (counted || bytes < file.bytes / 10) return;
        counted = true;
        if (++begun === SLOW_DOWNLOADS) all();
      },
    });
  });
  await everyOne;
  await act();
  const files = await Promise.all(downloads);
  const read = added(before, await outcomes(beside));
  console.log(`  read at: ${inWords(read)}`);
  check(
    `${SLOW_DOWNLOADS} downloads that were under way came whole`,
    files.every(({ sha256 }) => sha256 === file.sha256),
  );
  check(
    'they had begun at the replica and ended at the primary',
    read['results replica'] > 0 && read['results resting'] > 0,
  );
}

async function dies(beside, jobId, file) {
  console.log('# The replica is killed in the middle of downloads');
  await amid(beside, jobId, file, () => replica.kill());
  check(
    'it is ready without the replica',
    (await fetch(`${beside.origin}/ready`)).status !== 500 && !(await isUp(beside)),
  );
  replica.start();
  await back(beside);
}

async function hangs(beside, jobId, file) {
  console.log('# The replica hangs (SIGSTOP) in the middle of downloads');
  let slowest = 0;
  await amid(beside, jobId, file, async () => {
    await replica.freeze();
    for (let times = 0; times < 50; times++) {
      const begun = performance.now();
      const answer = await signed(beside.origin, '/api/v1/batch-jobs');
      await answer.arrayBuffer();
      if (answer.status !== 200) failures.push(`a list was answered ${answer.status}`);
      slowest = Math.max(slowest, performance.now() - begun);
      await pause(50);
    }
  });
  console.log(`  the slowest of 50 lists took ${(slowest / 1000).toFixed(2)} s`);
  await replica.thaw();
  await back(beside);
}

async function back(service) {
  const begun = performance.now();
  while (!(await isUp(service))) {
    if (performance.now() - begun > 60_000) throw new Error('the service does not come back to the replica');
    await pause(100);
  }
  console.log(`  ${((performance.now() - begun) / 1000).toFixed(1)} s after its return the replica is read again`);
  await replica.caughtUp();
}

/** The same reads with PgBouncer in transaction mode between. */
async function throughPooler(jobId, file) {
  console.log('# Through PgBouncer in transaction mode');
  if (poolerVersion() === undefined) {
    console.log('  not run: there is no pgbouncer here');
    return;
  }
  pooler = await startPooler(replica.url, 3);
  const service = await stage.startService({ ROLE: 'api', DATABASE_READ_URL: pooler.url });
  await ready(service);
  const files = await Promise.all(Array.from({ length: 8 }, () => download(service.origin, fileOf(jobId))));
  for (let times = 0; times < 20; times++) await (await signed(service.origin, '/api/v1/batch-jobs')).arrayBuffer();
  const read = await outcomes(service);
  console.log(`  read at: ${inWords(read)}`);
  check(
    'every download has the same bytes',
    files.every(({ sha256 }) => sha256 === file.sha256),
  );
  check(
    'all was read at the replica',
    Object.keys(read).every((name) => name.endsWith(' replica')) && read['list replica'] === 20,
  );
  service.child.kill('SIGTERM');
  await once(service.child, 'exit');
}

async function load({ alone, beside, primary, jobId }) {
  console.log('# What the replica takes off the primary');
  // As docs/scaling.md advises: the primary keeps what queries at the replica still see, so that replay and queries never wait for
  // each other.
  await replica.query(`alter system set max_standby_streaming_delay = '30s'`);
  await replica.query('alter system set hot_standby_feedback = on');
  await replica.query('select pg_reload_conf()');
  await untilFeedback();
  const lot = (n) => `/api/v1/batch-results/${jobId}?lot_id=lot-${(n * 7919) % LOTS}`;
  const list = () => '/api/v1/batch-jobs?limit=10';
  const few = await compare({
    alone,
    beside,
    primary,
    replica,
    reads: {
      downloads: { count: 40, path: () => fileOf(jobId) },
      'single lots': { count: 1200, path: lot },
      'lists of a short history': { count: 1200, path: list },
    },
  });
  await listedJobs(stage.pool, HISTORY);
  await replica.caughtUp();
  const reads = { [`lists of ${HISTORY} jobs`]: { count: 600, path: list } };
  const many = await compare({ alone, beside, primary, replica, reads });
  console.log('  and while the primary commits as fast as one connection can:');
  let writing = true;
  let commits = 0;
  const writer = (async () => {
    for (; writing; commits++)
      await stage.pool.query('update batch_jobs set updated_at = updated_at where id = $1', [jobId]);
  })();
  const before = await outcomes(beside);
  try {
    await compare({ alone, beside, primary, replica, reads });
  } finally {
    writing = false;
    await writer;
  }
  const read = added(before, await outcomes(beside));
  const share = read['list replica'] / Object.values(read).reduce((sum, count) => sum + count, 0);
  console.log(`  ${commits} commits meanwhile; ${Math.round(100 * share)} % of the lists were read at the replica`);
  for (const [name, gone] of Object.entries({ ...few, ...many }))
    console.log(`  ${name}: ${Math.round(100 * gone)} % of the primary's processor time is gone`);
  check('most of the work for downloads has left the primary', few.downloads > 0.7);
  check('lists find the replica caught up while the primary is written to', share > 0.5);
}

/** The replica tells the primary every ten seconds, and after a change of this setting at once. */
async function untilFeedback() {
  for (;;) {
    const { rows } = await stage.pool.query('select backend_xmin from pg_stat_replication');
    if (rows[0]?.backend_xmin !== null) return;
    await pause(100);
  }
}

/** Real jobs are made and end while the replica stands still. */
async function stageJobs(beside) {
  console.log(`# Jobs that are made and end while replay is paused for ${PAUSED_MS / 1000} s`);
  const worker = await stage.startService({ ROLE: 'worker' });
  await ready(worker);
  const client = new JobClient(beside.origin);
  const make = async (name) => {
    const { lots } = JSON.parse(jobBody(stage.photos, name, 30, { images: 1, languages: ['en'] }));
    const { body } = await client.create(lots, { languages: ['en'] });
    return body.job_id;
  };
  const early = await make('early');
  await replica.caughtUp();
  const before = await outcomes(beside);
  await replica.pauseReplay();
  const end = performance.now() + PAUSED_MS;
  const seen = { jobs: 0, ended: 0, reads: 0, missing: 0, unfinished: 0, 'missing at the replica': 0 };
  const follow = async (id) => {
    for (let known = false; ;) {
      const status = await client.status(id);
      if (status.code === 404) seen.missing++;
      const { body: list } = await client.json('/api/v1/batch-jobs?limit=100');
      const listed = list.jobs.find((job) => job.job_id === id);
      if (listed === undefined) seen.missing++;
      seen.reads += 2;
      if (!hasEnded(status)) {
        await pause(100);
        continue;
      }
      // What the status said, the next reads must say too.
      const [result, { body: after }] = [await client.results(id), await client.json('/api/v1/batch-jobs?limit=100')];
      const one = await signed(beside.origin, `/api/v1/batch-results/${id}?lot_id=${result.lots[0]?.lot_id}`);
      await one.arrayBuffer();
      seen.reads += 3;
      const whole = result.code === 200 && result.lots.length === 30 && result.lots.every((lot) => hasEnded(lot));
      if (!whole || one.status !== 200) seen.unfinished++;
      if (after.jobs.find((job) => job.job_id === id)?.status !== status.status) seen.unfinished++;
      if (!known) {
        known = true;
        seen.ended++;
        const [row] = await replica.query('select status from batch_jobs where id = $1', [id]);
        if (row === undefined || !hasEnded(row)) seen['missing at the replica']++;
      }
      if (performance.now() > end) return;
      await pause(200);
    }
  };
  const followed = [follow(early)];
  for (let n = 0; performance.now() < end - 4000; n++) {
    followed.push(follow(await make(`late-${n}`)));
    await pause(500);
  }
  await Promise.all(followed);
  seen.jobs = followed.length;
  await replica.resumeReplay();
  console.log(`  ${inWords(seen)}; read at: ${inWords(added(before, await outcomes(beside)))}`);
  check('no client saw its own job missing', seen.missing === 0);
  check(
    'no job whose status said that it had ended was shown unfinished',
    seen.unfinished === 0 && seen.ended === seen.jobs,
  );
  check('the replica itself knew nothing of those ends', seen['missing at the replica'] === seen.ended);
  await replica.caughtUp();
  const caught = await outcomes(beside);
  const whole = await client.results(early);
  check(
    'they are read at the replica once it has caught up',
    whole.lots.length === 30 && Object.keys(added(caught, await outcomes(beside))).join() === 'results replica',
  );
}

/** A replica that hangs does not hold up the end of a process. */
async function endsWhileItHangs() {
  const service = await stage.startService({ ROLE: 'api', DATABASE_READ_URL: replica.url, SHUTDOWN_GRACE: '5' });
  await ready(service);
  await (await signed(service.origin, '/api/v1/batch-jobs')).arrayBuffer();
  await replica.freeze();
  const begun = performance.now();
  service.child.kill('SIGTERM');
  const [code] = await once(service.child, 'exit');
  await replica.thaw();
  console.log(
    `# A service ends while the replica hangs: ${((performance.now() - begun) / 1000).toFixed(1)} s, code ${code}`,
  );
  check('it ended by itself', code === 0);
}

function primaryData() {
  const folder = join(stage.folder, 'data');
  return join(
    folder,
    readdirSync(folder).find((name) => /^pg\d+$/.test(name)),
    'data',
  );
}

/** Counts the lines of a service's log that have these words. */
function linesOf(service, words) {
  const seen = { count: 0 };
  const lines = createInterface({ input: service.child.stdout });
  lines.on('line', (line) => {
    if (!line.includes(words)) return;
    seen.count++;
    console.log(`  the log: ${line}`);
  });
  return seen;
}
