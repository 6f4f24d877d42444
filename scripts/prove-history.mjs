// npm run prove:history [-- --jobs 1000000]: a long history does not make the service slower. The script makes one, and
// one of a tenth of its size. It compares what every statement of the service reads in both, asks for lists, and
// removes what is old, with one worker and with two. (Weekly partitions: prove:partitions.)
import { parseArgs } from 'node:util';
import { stopAtSignal } from './prove/at-signal.mjs';
import { pause, ready, setStage } from './prove/stage.mjs';
import { explainDay } from './prove-history/day.mjs';
import { listedOf, makeHistory } from './prove-history/history.mjs';
import { askLists, percentile } from './prove-history/lists.mjs';
import { idleRound, removalRate, removeAll } from './prove-history/removal.mjs';

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '1000000' }, seconds: { type: 'string', default: '10' } },
});
const JOBS = Number(values.jobs);
const SECONDS = Number(values.seconds);
/** Pages that a statement may read in addition to what it reads with a tenth of the history, for each table that it writes. */
const MORE_PAGES = 16;
/**
 * More pages that it may read for each look-up in an index, which may have one more level and contain dead versions.
 */
const MORE_A_LOOK_UP = 2;
/**
 * More pages that it may read for each row that it returns or writes, because in a small table many rows share a page.
 */
const MORE_A_ROW = 2;
/**
 * An exact total looks at the index's entry of each listed job. So many are on a page at least; the table is not read.
 */
const COUNTED_A_PAGE = 50;
const TOTAL = /^select count\(\*\)::int as n from batch_jobs where key_id = \$1\b/;
const TABLES = ['batch_jobs', 'batch_lots', 'batch_lot_inputs', 'batch_results', 'job_usage', 'openai_batches'];

const failures = [];
const check = (what, holds) => {
  console.log(`  ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) failures.push(what);
};

const { migrateUp } = await import('../dist/database/migrate.js');
const { loadConfig } = await import('../dist/config/load-config.js');
const stage = await setStage({ seed: 'history' });
const stop = stopAtSignal(() => stage.stop());
const migrate = (url) => migrateUp(loadConfig({ SHARED_KEY: stage.secret, ROLE: 'migrate', DATABASE_URL: url }), url);
try {
  console.log(`# a history of ${JOBS} finished jobs of one key`);
  const begun = performance.now();
  const whole = await makeHistory(stage, migrate, 'whole', JOBS);
  const madeIn = (performance.now() - begun) / 1000;
  console.log(`  made in ${Math.round(madeIn)} s`);
  check('it is made within two minutes', madeIn < 120);
  const tenth = await makeHistory(stage, migrate, 'tenth', Math.round(JOBS / 10));

  console.log('\n# what each statement reads, in pages of 8 KB: with a tenth of the history, with all of it');
  compare(await explainDay(stage, tenth), await explainDay(stage, whole));

  console.log(`\n# lists, ten a second for ${SECONDS} s each`);
  await lists(whole);

  console.log('\n# removal of what is older than RETENTION_DAYS');
  const idle = await idleRound(whole);
  console.log(`  a round that finds nothing: ${idle.toFixed(2)} ms`);
  check('a round that finds nothing takes less than 5 ms', idle < 5);
  const some = Math.min(20_000, Math.floor(JOBS / 8));
  const one = await removalRate(whole, 1, some);
  console.log(`  one worker: ${one.perSecond} jobs a second (${one.removed} removed)`);
  const two = await removalRate(whole, 2, some);
  console.log(`  two workers: ${two.perSecond} jobs a second (${two.removed} removed)`);
  check('one worker removes 1,000 old jobs a second', one.perSecond >= 1000);
  check('two workers are faster than one', two.perSecond > one.perSecond);

  console.log('\n# old and new jobs side by side');
  const mixed = await makeHistory(stage, migrate, 'mixed', Math.round(JOBS / 50));
  const { same, old, left } = await removeAll(mixed, TABLES);
  console.log(`  rows of old jobs: ${old} before, ${left} after`);
  check('every row of an old job is removed', old > 0 && left === 0);
  check('not one row of a new job is touched', same);
} finally {
  await stop();
}
console.log(failures.length === 0 ? '\nPROVEN' : `\nNOT PROVEN: ${failures.join('; ')}`);
process.exit(failures.length === 0 ? 0 : 1);

function compare(small, large) {
  const worse = [];
  const rows = [...large].map(([text, { pages, rows: found, lookUps, written, plan }]) => {
    const before = small.get(text);
    // A call that found more rows also made more look-ups.
    const scale = before === undefined ? 1 : Math.max(1, lookUps / Math.max(1, before.lookUps));
    const counted = TOTAL.test(text) ? listedOf(JOBS) / COUNTED_A_PAGE : 0;
    const more = MORE_PAGES * Math.max(1, written) + lookUps * MORE_A_LOOK_UP + found * MORE_A_ROW + counted;
    const allowed = before === undefined ? 0 : before.pages * scale + more;
    const bad = before !== undefined && pages > allowed;
    if (bad) worse.push({ text, pages, before: before.pages, plan });
    return { text, pages, before: before?.pages, bad };
  });
  rows.sort((a, b) => b.pages - a.pages);
  for (const { text, pages, before, bad } of rows) {
    const short = text.replace(/\s+/g, ' ').trim().slice(0, 110);
    console.log(`  ${String(before ?? '–').padStart(6)} ${String(pages).padStart(6)}${bad ? ' !' : '  '} ${short}`);
  }
  for (const { text, plan } of worse) console.log(`\n${text}\n${JSON.stringify(plan)}`);
  const both = rows.filter(({ before }) => before !== undefined).length;
  console.log(`  ${rows.length} statements, ${both} of them seen in both`);
  check('most statements were seen in both', both > 0.9 * rows.length && both > 60);
  check('none reads more than a few pages more of ten times the history', worse.length === 0);
}

async function lists(url) {
  const service = await stage.startService({ DATABASE_URL: url, ROLE: 'api' });
  await ready(service);
  // The first request opens the connections, and is not measured.
  await askLists(service.origin, '', 1);
  const after = new Date(Date.now() - 20 * 86_400_000).toISOString();
  const kinds = [
    ['default', '', true],
    ['status', '?status=failed', true],
    ['created_after', `?created_after=${after}`, true],
    ['mode=sync', '?mode=sync', false],
    ['a deep offset', `?offset=${Math.round(JOBS / 250)}`, false],
    ['a deep offset, mode=sync', `?mode=sync&offset=${Math.round(JOBS / 2)}`, false],
  ];
  for (const [name, query, limited] of kinds) {
    const { milliseconds, total } = await askLists(service.origin, query, limited ? SECONDS : SECONDS / 2);
    const p90 = percentile(milliseconds, 0.9);
    console.log(`  ${name}: median ${percentile(milliseconds, 0.5)} ms, p90 ${p90} ms, total ${total}`);
    if (limited) check(`${name}: p90 under 50 ms`, p90 < 50);
  }
  service.child.kill('SIGTERM');
  await pause(500);
}
