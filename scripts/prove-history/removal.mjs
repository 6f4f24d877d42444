import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const REMOVER = fileURLToPath(new URL('remover.mjs', import.meta.url));
/** Jobs of one step of the service's own. */
const STEP_JOBS = 100;

/** Lets several workers, each a process, remove at least `jobs` old jobs together. @returns jobs removed in a second */
export async function removalRate(url, workers, jobs) {
  const before = await ask(url, 'select count(*)::int as n from batch_jobs');
  const start = await startAll(url, workers, Math.ceil(jobs / STEP_JOBS / workers), '30');
  const begun = performance.now();
  await start();
  const seconds = (performance.now() - begun) / 1000;
  const removed = before.n - (await ask(url, 'select count(*)::int as n from batch_jobs')).n;
  return { removed, perSecond: Math.round(removed / seconds) };
}

/** How long a round takes that finds nothing to remove, in milliseconds. */
export async function idleRound(url) {
  const start = await startAll(url, 1, 0, '10000');
  const [{ idleMs }] = await start();
  return idleMs;
}

/** Removes all that is old and compares what is left with what there was of it, row by row. */
export async function removeAll(url, tables) {
  const young = `select id from batch_jobs where coalesce(completed_at, cancelled_at) >= now() - interval '30 days'`;
  const digest = tables.map(
    (table) => `(select count(*) || '/' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from ${table} t
       where ${table === 'batch_jobs' ? 'id' : 'job_id'} in (${young}))`,
  );
  const old = tables.map(
    (table) => `(select count(*) from ${table} t where ${table === 'batch_jobs' ? 'id' : 'job_id'} not in (${young}))`,
  );
  const look = () => ask(url, `select concat_ws(' ', ${digest.join(', ')}) as young, (${old.join(' + ')})::int as old`);
  const before = await look();
  const start = await startAll(url, 2, 0, '30');
  await start();
  const after = await look();
  return { same: before.young === after.young && before.young !== '', old: before.old, left: after.old };
}

async function startAll(url, workers, steps, days) {
  const children = Array.from({ length: workers }, () =>
    fork(REMOVER, [url, String(steps)], { env: { PATH: process.env.PATH, RETENTION_DAYS: days } }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  return () =>
    Promise.all(
      children.map(async (child) => {
        const answered = once(child, 'message');
        child.send('start');
        const [answer] = await answered;
        return answer;
      }),
    );
}

async function ask(url, text) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows[0];
  } finally {
    await client.end();
  }
}
