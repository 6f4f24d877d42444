// npm run prove:partitions [-- --lots N]: the tables of lots are partitioned by weeks while clients use the service, old weeks go,
// and the tables are made plain again, with commands that are killed on the way. Nobody may notice. All processes begin sixty
// days ago by their time of day, which is then moved on, so that weeks pass; the clock of PostgreSQL stays.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startGround, LockWatch } from './prove-partitions/ground.mjs';
import { hashOf, Load } from './prove-partitions/load.mjs';
import { endedJobs, layoutOf, rowsOf, sumsOf, TABLES, wrongJobs } from './prove-partitions/rows.mjs';
import { stopAtSignal } from './prove/at-signal.mjs';
import { pause } from './prove/stage.mjs';

const { values } = parseArgs({ options: { lots: { type: 'string', default: '20' } } });
/** Lots of each batch. */
const LOTS = Number(values.lots);
const MOST_LOCK_MS = 1000;
const WHY = ['--reason', 'prove:partitions', '--by', 'proof'];
const ENABLE = ['partitions', 'enable', ...WHY];
const DISABLE = ['partitions', 'disable', ...WHY];
/**
 * Days from now, up to now, because what waits by PostgreSQL's clock must not be overdue. The first partition ends 14 to 21 days
 * after it was made; 30 days are kept.
 */
const AT = { first: -60, second: -52, firstIsOld: -24.5, third: -24, secondIsOld: 0 };

let failures = 0;
function claim(what, holds, seen = '') {
  if (!holds) failures++;
  console.log(
    `${holds ? 'holds   ' : 'FAILS   '} ${what}${seen === '' ? '' : `: ${seen}`} (load ${loadavg()[0].toFixed(1)})`,
  );
}

const startedAt = performance.now();
const ground = await startGround();
const watch = new LockWatch();
let longestLock = 0;
const stop = stopAtSignal(() => {
  watch.stopped = true;
  return ground.stop();
});
try {
  await watch.start(ground.stage.databaseUrl);
  const schema = await describe();
  await ground.moveTo(AT.first);
  const first = await group('first', 40);
  await enable();
  await ground.moveTo(AT.second);
  const second = await group('second', 60);

  await ground.moveTo(AT.firstIsOld);
  const middle = await sumsOf(ground.pool, second);
  await ground.until('the removal of old jobs', async () => (await jobsLeft(first)) === 0);
  claim(
    `retention removes ${first.length} old jobs of a partition that has new ones too`,
    (await rowsOf(ground.pool, first)) === 0 &&
      same(await sumsOf(ground.pool, second), middle) &&
      ground.dropped.length === 0,
    `not a row of ${second.length} others`,
  );
  await ground.moveTo(AT.third);
  const third = await group('third', 50);

  await ground.moveTo(AT.secondIsOld);
  const fourth = await group('fourth', 50);
  const young = [...third, ...fourth];
  const kept = await sumsOf(ground.pool, young);
  await underLoad('a week goes', young, async () => {
    await ground.until('the drop of the past week', () => ground.dropped.length >= TABLES.length);
    await ground.until('the removal of its jobs', async () => (await jobsLeft(second)) === 0);
  });
  const longest = Math.max(...ground.dropped.map(({ heldMs }) => heldMs));
  claim(
    `a partition is dropped in under a second once all its jobs are past retention`,
    longest < MOST_LOCK_MS && (await rowsOf(ground.pool, second)) === 0,
    `${ground.dropped.length} tables of ${second.length} jobs, each in at most ${longest} ms`,
  );
  claim(
    'not a row of the new jobs is gone',
    same(await sumsOf(ground.pool, young), kept),
    Object.values(kept).join(', '),
  );
  await looksElsewhere();
  await disable(young);
  claim('the tables are as the migrations make them', (await describe()) === schema);
  const wrong = await wrongJobs(ground.pool);
  claim(
    'every job has all rows',
    wrong.length === 0,
    `${(await endedJobs(ground.pool)).length} jobs${wrong.length > 0 ? `, ${wrong.length} wrong: ${wrong.slice(0, 5).join(' ')}` : ''}`,
  );
  await watch.stop();
  claim(
    'no lock was waited for over a second',
    longestLock < MOST_LOCK_MS,
    `${watch.looks} looks, the longest wait seen ${Math.round(longestLock)} ms`,
  );
} catch (error) {
  // What is under way when all is stopped by a signal fails.
  if (stopping === undefined) claim(error.stack, false);
} finally {
  await stop();
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(failures === 0 ? `200 jobs old and new, ${seconds} s: holds` : `${failures} do not hold (${seconds} s)`);
process.exit(failures === 0 ? 0 : 1);

/** Makes jobs by the API, a third of them batches, and waits for their end. @returns their ids */
async function group(name, jobs) {
  const before = new Set(await endedJobs(ground.pool));
  const maker = new Load(ground.api.origin, ground.stage.photos, new Map());
  for (let n = 0; n < jobs; n++) {
    if (n % 3 === 0) await maker.create(`${name}${n}`, 'batch', LOTS, [201]);
    else await maker.lot(`${name}${n}`);
  }
  if (maker.failed.length > 0) throw new Error(maker.failed[0]);
  await ground.quiet();
  return (await endedJobs(ground.pool)).filter((id) => !before.has(id));
}

async function jobsLeft(ids) {
  return Number(await ground.value('select count(*) from batch_jobs where id = any($1::uuid[])', [ids]));
}

/** Does something while clients use the service, who read the results of the jobs `ids` all the time. */
async function underLoad(what, ids, work) {
  const known = new Map();
  for (const id of ids) known.set(id, hashOf((await ground.client.results(id)).text));
  const load = new Load(ground.api.origin, ground.stage.photos, known);
  watch.longestMs = 0;
  load.start();
  await pause(2000);
  await work();
  await pause(2000);
  await load.stop();
  await ground.quiet();
  longestLock = Math.max(longestLock, watch.longestMs);
  const seen = [
    `${load.inWords()}; longest wait for a lock ${Math.round(watch.longestMs)} ms`,
    ...load.failed.slice(0, 3),
  ];
  claim(`${what} under load: no request failed`, load.failed.length === 0, seen.join('\n           '));
}

/** Kills the command at each of these moments, then lets it run to its end. */
async function killedOnTheWay(words, moments) {
  let killed = 0;
  for (const [name, when] of Object.entries(moments)) {
    const layout = async () => {
      const found = await layoutOf(ground.pool);
      return TABLES.map((table) => `${table} ${found[table]}`).join(', ');
    };
    const inTime = await ground.opsKilled(words, when);
    if (inTime) killed++;
    console.log(`           killed ${inTime ? '' : 'too late '}when ${name}: ${await layout()}`);
  }
  claim(
    `${words.slice(0, 2).join(' ')} was killed on the way`,
    killed >= 2,
    `${killed} times of ${Object.keys(moments).length}`,
  );
  const status = await ground.ops('status');
  console.log(`           ${/! A change of the partitions.*/.exec(status.text)?.[0] ?? 'status has no remark'}`);
  for (const time of ['first', 'second']) {
    const { code, text } = await ground.ops(...words);
    claim(`${words.slice(0, 2).join(' ')} runs to its end, the ${time} time`, code === 0, text.split('\n')[0]);
  }
}

async function enable() {
  const ids = await endedJobs(ground.pool);
  const before = await sumsOf(ground.pool, ids);
  await underLoad('enabling', ids, () =>
    killedOnTheWay(ENABLE, {
      'the first table is prepared': () => isThere(`select 1 from pg_constraint where conname = 'batch_lots_span'`),
      'the second table is prepared': () =>
        isThere(`select 1 from pg_constraint where conname = 'batch_lot_inputs_span'`),
      'two tables are partitioned': async () => (await layoutOf(ground.pool)).batch_lot_inputs === 'partitioned',
      'some weeks are made': () => isThere(`select 1 from pg_class where relname like 'batch_lot_inputs_from%'`),
    }),
  );
  claim(
    'all rows are the same after enabling',
    same(await sumsOf(ground.pool, ids), before),
    Object.values(before).join(', '),
  );
}

async function disable(young) {
  const ids = await endedJobs(ground.pool);
  const before = await sumsOf(ground.pool, ids);
  await underLoad('disabling', young, () =>
    killedOnTheWay(DISABLE, {
      'the first table is plain': async () => (await layoutOf(ground.pool)).batch_lots !== 'partitioned',
      'all tables are plain': async () => (await layoutOf(ground.pool)).batch_results !== 'partitioned',
      'rows are moved': async () => {
        const under = Object.values(await layoutOf(ground.pool));
        return under.some((layout) => layout === 'plain') && under.some((layout) => layout.startsWith('plain +'));
      },
    }),
  );
  const layout = await layoutOf(ground.pool);
  claim(
    'the tables are plain',
    Object.values(layout).every((one) => one === 'plain'),
  );
  claim(
    'all rows are the same after disabling',
    same(await sumsOf(ground.pool, ids), before),
    Object.values(before).join(', '),
  );
}

/** Statements that name their job look into its week alone: into the others only who makes them, and the upkeep. */
async function looksElsewhere() {
  const { rows } = await ground.pool.query(
    `select sum(scans) filter (where rows > 0)::int as used, max(scans) filter (where rows = 0 and name !~ 'default')::int as empty,
       count(*) filter (where rows = 0 and name !~ 'default')::int as others
     from (select relname as name, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as scans, n_live_tup as rows
       from pg_stat_user_tables where relname ~ '^batch_(lots|lot_inputs|results)_(from|until|default)') t`,
  );
  const [{ used, empty, others }] = rows;
  claim(
    'no statement looks into weeks of other jobs',
    empty < 10,
    `${used} scans of weeks with rows; at most ${empty} of each of ${others} empty partitions, when it was made`,
  );
}

async function isThere(sql) {
  return (await ground.pool.query(sql)).rows.length > 0;
}

async function describe() {
  const { describeSchema } = await import(new URL('../dist/database/schema-dump.js', import.meta.url).href);
  return describeSchema({ query: async (text, list = []) => (await ground.pool.query(text, list)).rows });
}

function same(one, other) {
  return TABLES.every((table) => one[table] === other[table]);
}
