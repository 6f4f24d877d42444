// npm run prove:ends [-- --only=a,b,c,d,e,f]: how a job ends when something stops it: what the client sees, and what it
// costs. The built service and the sandbox in place of OpenAI run in processes of their own on loopback.
import { parseArgs } from 'node:util';
import { proveCancelled } from './prove-ends/cancelled.mjs';
import { stopAtSignal } from './prove/at-signal.mjs';
import { startGround } from './prove-ends/ground.mjs';
import { provePhotos } from './prove-ends/photos.mjs';
import { proveCost, proveExpired, proveQuota } from './prove-ends/queue.mjs';
import { proveStuck } from './prove-ends/stuck.mjs';
import { recountBatches, recountTables } from './prove/recount.mjs';

const { values } = parseArgs({ options: { only: { type: 'string', default: 'a,b,c,d,e,f' } } });
const only = new Set(values.only.split(','));

/** Deadlines of photos and waits between retries use timers, which the moved clock does not change. */
const SHORT_TIMERS = { IMAGE_HEAD_TIMEOUT: '0.5', IMAGE_GET_TIMEOUT: '0.5', BASE_DELAY_SEC: '0.05' };

console.log(
  `The service's settings are the defaults, but for polls every 0.2 s, photo deadlines of 0.5 s and retries after 0.05 s.
Where hours pass ("after 12.0 h"), the time of day was moved ahead for the service and for OpenAI, and what waits by the
clock of the database was moved as far.`,
);
const startedAt = performance.now();
const ground = await startGround();
const stop = stopAtSignal(() => ground.stop());
try {
  if (['a', 'b', 'c', 'f'].some((name) => only.has(name))) await ground.use(SHORT_TIMERS);
  if (only.has('a')) await proveCancelled(ground);
  if (only.has('b')) await proveExpired(ground);
  if (only.has('c')) await proveQuota(ground);
  if (only.has('f')) await proveCost(ground);
  if (only.has('d')) {
    await ground.use(SHORT_TIMERS);
    await provePhotos(ground);
  }
  if (only.has('e')) await proveStuck(ground, () => ground.use(SHORT_TIMERS));
  await ground.scenario('All jobs, recounted', async ({ say, claim }) => {
    const { rows } = await ground.stage.pool.query('select id, status from batch_jobs order by id');
    const wrong = [];
    for (const { id, status } of rows) {
      const job = await recountTables(ground.stage.pool, id);
      // Lots that were unfinished when their job was cancelled keep their state.
      const awaiting = status === 'cancelled' ? job.lots - job.completed - job.failed : 0;
      const right =
        job.lots === job.total_lots &&
        job.processed_lots === job.completed &&
        job.failed_lots === job.failed &&
        job.awaiting === awaiting &&
        job.lacking === 0 &&
        Number(job.cost_usd) === Number(job.usage_cost ?? 0);
      if (!right) wrong.push({ id, ...job });
    }
    say('jobs', `${rows.length}`);
    claim(
      `the counters of every job equal its rows${wrong.length > 0 ? `: ${JSON.stringify(wrong)}` : ''}`,
      wrong.length === 0,
    );
    const { created, shards, doubled } = await recountBatches(ground.stage.openai);
    say('batches', `${created} created for ${shards} shards`);
    claim('no shard was paid twice', doubled === 0);
  });
} finally {
  await stop();
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(
  `\n${ground.failures === 0 ? 'PROVEN' : `NOT PROVEN: ${ground.failures} claims do not hold`} (${seconds} s)`,
);
process.exit(ground.failures === 0 ? 0 : 1);
