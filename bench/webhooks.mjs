// Deliveries a second to one receiver, by three senders: bare signed POSTs (the floor), a plain claim loop, and the
// service. The service reads and renders each body from a job's stored results, and writes a row for each attempt
// before it is sent. It runs once with the defaults, and once with DATABASE_PREPARED, for installations without
// PgBouncer.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE } from '../scripts/start-command.mjs';
import { jobsFrom } from '../test/support/a-job.mjs';
import { startDatabase } from './support/service.mjs';
import { KEY } from './support/signing.mjs';
import { median } from './support/statistics.mjs';

const DELIVERIES = 10_000;
const CONNECTIONS = 32;
const BODY_BYTES = 2400;
const ROUNDS = 5;

export async function run(args) {
  const rounds = args.includes('--quick') ? 1 : ROUNDS;
  const server = await startDatabase();
  const database = server.client;
  const receiver = await startReceiver();
  const rates = { floor: [], 'claim loop': [], service: [], 'service, prepared': [] };
  const peaks = [];
  let worker;
  try {
    await seed(database, receiver.origin);
    for (const [who, prepared] of [
      ['service', false],
      ['service, prepared', true],
    ]) {
      worker = await startWorker(server.url, prepared);
      for (let round = 0; round < rounds; round++) {
        // One after the other, so that none runs under the load of another.
        const floor = await measure(receiver, 'floor.mjs', [receiver.origin, DELIVERIES, CONNECTIONS, BODY_BYTES]);
        await database.query(`update plain_deliveries set status = 'pending'`);
        await tidy(database);
        const loop = await measure(receiver, 'claim-loop.mjs', [receiver.origin, server.url, CONNECTIONS]);
        const service = await measureService(database, receiver);
        for (const [name, rate] of Object.entries({ floor, 'claim loop': loop, [who]: service })) {
          rates[name].push({ rate, times: floor / rate });
        }
      }
      peaks.push(peakRss(worker));
      await stopWorker(worker);
      worker = undefined;
    }
    const { rows } = await database.query(
      `select count(*)::int as n from webhook_attempts where outcome = 'delivered'`,
    );
    if (rows[0].n !== 2 * DELIVERIES * rounds)
      throw new Error('the attempts in the table are not those that were sent');
    report(rates, Math.max(...peaks));
  } finally {
    if (worker !== undefined) await stopWorker(worker);
    receiver.child.disconnect();
    await server.stop();
  }
}

function report(rates, peak) {
  console.table(
    Object.entries(rates).map(([who, rounds]) => {
      const each = rounds.map(({ rate }) => rate);
      return {
        who,
        'deliveries/s (median)': Math.round(median(each)),
        from: Math.round(Math.min(...each)),
        to: Math.round(Math.max(...each)),
        // Each is compared with the floor of its own round: a shared machine's speed changes more between rounds than
        // within one.
        'floor is x faster': median(rounds.map(({ times }) => times)).toFixed(2),
      };
    }),
  );
  console.log(
    `${DELIVERIES} deliveries of ${BODY_BYTES} bytes, ${CONNECTIONS} connections; the worker's peak RSS ${peak} MB; ` +
      `to reach: the floor 1.8 x faster at most`,
  );
}

/** Jobs of one lot that have ended, each with its delivery, and the same bodies in the plain queue's table. */
async function seed(database, origin) {
  const html = `<p>${'x'.repeat(BODY_BYTES - 900)}</p>`;
  await database.query(
    `with jobs as (
       ${jobsFrom(`generate_series(1, ${DELIVERIES})`, {
         id: 'gen_random_uuid()',
         keyId: `'default'`,
         status: `'completed'`,
         stage: `'done'`,
         webhookUrl: `$1 || '/hook'`,
         processedLots: '1',
         completedAt: 'now()',
       })} returning id),
     lots as (insert into batch_lots (job_id, position, lot_id, status, processed_images, rendered_bytes, finished_at)
       select id, 0, 'lot-1', 'completed', 3, $2, now() from jobs),
     inputs as (insert into batch_lot_inputs (job_id, position, images) select id, 0, '[]' from jobs),
     results as (insert into batch_results (job_id, position, language, html, strings, created_at)
       select id, 0, 'en', $3, '[]', now() from jobs)
     insert into webhook_deliveries (id, job_id, key_id, origin, url, event, first_position, last_position, lots, bytes,
       status, next_attempt_at, created_at)
     select gen_random_uuid(), id, 'default', $1, $1 || '/hook', 'batch_job_completed', 0, 0, 1, $2, 'delivered', now(),
       now() from jobs`,
    [origin, BODY_BYTES, html],
  );
  // A receiver that has answered well before, so that it has all its slots.
  await database.query(
    `insert into webhook_endpoints (key_id, origin, slots, last_success_at, updated_at)
     values ('default', $1, ${CONNECTIONS}, now(), now())`,
    [origin],
  );
  await database.query(
    `create table plain_deliveries (id uuid primary key, status text not null, locked_until timestamptz, body text not null)`,
  );
  await database.query(
    `insert into plain_deliveries select gen_random_uuid(), 'pending', null, $1 from generate_series(1, ${DELIVERIES})`,
    [JSON.stringify({ text: 'x'.repeat(BODY_BYTES - 11) })],
  );
  await tidy(database);
}

/** Does what autovacuum would have done in the days between. */
async function tidy(database) {
  await database.query('vacuum analyze');
  await database.query('checkpoint');
}

async function measureService(database, receiver) {
  await tidy(database);
  const done = await receiver.expect(DELIVERIES);
  await database.query(`update webhook_deliveries set status = 'pending', next_attempt_at = now()`);
  const rate = await done();
  // The last outcomes are still being written.
  for (let open = 1; open > 0;) {
    const { rows } = await database.query(
      `select count(*)::int as n from webhook_deliveries where status in ('pending', 'in_flight')`,
    );
    open = rows[0].n;
  }
  return rate;
}

async function measure(receiver, script, args) {
  const child = fork(join(import.meta.dirname, 'webhooks', script), args.map(String));
  await once(child, 'message');
  const done = await receiver.expect(DELIVERIES);
  child.send('go');
  const rate = await done();
  if (child.exitCode === null) await once(child, 'exit');
  return rate;
}

async function startReceiver() {
  const child = fork(join(import.meta.dirname, 'webhooks/receiver.mjs'));
  const [{ port }] = await once(child, 'message');
  return {
    child,
    origin: `http://127.0.0.1:${port}`,
    /** Starts to count. The answer comes after the last delivery and gives deliveries a second from first to last. */
    expect: async (count) => {
      child.send(count);
      await once(child, 'message');
      const reached = once(child, 'message');
      return async () => {
        const [{ ms }] = await reached;
        return ((count - 1) / ms) * 1000;
      };
    },
  };
}

async function startWorker(databaseUrl, prepared) {
  const child = spawn(process.execPath, SERVICE, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ROLE: 'worker',
      PORT: '0',
      DATABASE_URL: databaseUrl,
      DATABASE_PREPARED: String(prepared),
      SHARED_KEY: KEY,
      SHARED_KEYS: '',
      OPENAI_API_KEY: 'unused',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
      OUTBOUND_ALLOW: '127.0.0.1',
      LOG_LEVEL: 'log',
    },
  });
  await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the worker ended before it was ready')));
    child.stdout.on('data', (chunk) => String(chunk).includes('"ready"') && resolve());
  });
  return { child };
}

async function stopWorker({ child }) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Megabytes. */
function peakRss({ child }) {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
}
