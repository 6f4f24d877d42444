// The whole flow as clients use it, over two processes: each request must be answered as the contract says.
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { JobClient } from '../prove/job-client.mjs';
import { jobBody, pause, signed } from '../prove/stage.mjs';

const LANGUAGES = ['en', 'de', 'fi'];
const LOTS = 120;
/** Every tenth lot has no photo that can be reached, and fails. */
const BAD = 10;

/** @returns what did not go as it must, in words; and the jobs that were made */
export async function runFlow(ground) {
  const { photos } = ground.current;
  const services = [await ground.startReady(), await ground.startReady()];
  const [first, second] = services.map(({ origin }) => new JobClient(origin));
  const wrong = [];
  const expect = (what, holds, seen) => {
    if (!holds) wrong.push(`${what}: ${JSON.stringify(seen)?.slice(0, 300)}`);
  };
  const call = async (client, path, { status = 200, method = 'GET', body, headers } = {}) => {
    const answer = await signed(client.origin, `/api/v1${path}`, {
      method,
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    });
    const text = await answer.text();
    expect(`${method} ${path.replace(/[0-9a-f-]{36}/g, '…')}`, answer.status === status, [answer.status, text]);
    return answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : {};
  };
  const generate = (client, body, options) =>
    call(client, '/generate-descriptions', { method: 'POST', status: 201, body, ...options });
  const hook = (name) => `${ground.webhooks.origin}/${name}`;

  // Synchronous: answered at once; the repeat gets the same job, whoever is asked.
  const lot = (name) => ({
    lot_id: name,
    images: [{ url: `${photos.origin}/photo/${name}/0.jpg` }],
    webhook: hook('lot'),
  });
  const single = {
    version: '1.0.0',
    mode: 'sync',
    languages: LANGUAGES,
    webhook_url: hook('sync'),
    lots: [lot('s-0')],
  };
  const headers = { 'Idempotency-Key': 'single' };
  const [one, repeat] = [
    await generate(first, single, { status: 200, headers }),
    await generate(second, single, { status: 200, headers }),
  ];
  expect('a repeat is the same job', repeat.job_id === one.job_id, repeat);
  expect('a lot at once has all languages', one.lots?.[0]?.descriptions?.length === LANGUAGES.length, one);

  // A batch with failing lots, webhooks of the job and of lots; nine equal requests over both are one job.
  const large = JSON.parse(jobBody(photos, 'flow', LOTS, { images: 2, languages: LANGUAGES, bad: BAD }).toString());
  large.webhook_url = hook('job');
  large.webhook_events = ['batch_job_completed', 'batch_job_failed', 'batch_job_cancelled', 'batch_job_progress'];
  for (const item of large.lots.slice(0, 60)) item.webhook = hook(`own-${item.lot_id}`);
  delete large.webhook_events;
  const nine = await Promise.all(
    Array.from({ length: 9 }, (_, n) =>
      signed([first, second][n % 2].origin, '/api/v1/generate-descriptions', {
        method: 'POST',
        body: Buffer.from(JSON.stringify(large)),
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'nine' },
      }).then(async (answer) => [answer.status, await answer.json()]),
    ),
  );
  const ids = new Set(nine.flatMap(([, body]) => (body.job_id === undefined ? [] : [body.job_id])));
  expect('nine equal requests are one job', ids.size === 1, nine);
  const [id] = ids;
  const events = followEvents(second.origin, id);
  await first.ended(id);
  const status = await second.status(id);
  const failed = Math.floor(LOTS / BAD);
  expect(
    'its status',
    status.progress.processed_lots === LOTS - failed && status.progress.failed_lots === failed,
    status,
  );
  expect('its event stream ends with its end', (await events).includes('completed'), await events);
  const results = await second.results(id);
  expect('its results', results.lots.filter(({ lot_id }) => lot_id !== undefined).length >= LOTS, results.code);
  for (const query of [
    '?status=failed',
    '?lot_id=flow-3',
    '?code=IMAGE_UNREACHABLE',
    '?needs_review=true',
    '?limit=10',
  ])
    await call(first, `/batch-results/${id}${query}`);
  for (const format of ['csv', 'json', 'ndjson']) await call(second, `/batch-results/${id}/download?format=${format}`);
  await call(first, `/batch-results/${id}?partial=true`);
  await call(first, '/batch-jobs?limit=5');
  await call(second, '/batch-jobs?status=completed&limit=5');
  await call(first, `/batch-jobs/${id}/deliveries`);
  await call(second, '/webhook-deliveries?limit=10');
  await call(first, '/usage');
  await call(second, '/photo-check', { method: 'POST', body: { images: lot('check').images } });

  // The failed lots once more, twice; the second finds them taken.
  const again = await call(first, `/batch-jobs/${id}/retry`, { method: 'POST', status: 201, body: {} });
  expect('a retry has the failed lots', again.total_lots === failed, again);
  await second.ended(again.job_id);
  const third = await call(second, `/batch-jobs/${id}/retry`, { method: 'POST', status: 201, body: {} });
  await first.ended(third.job_id);
  await call(second, `/batch-jobs/${id}/webhooks/replay`, { method: 'POST', status: 202, body: {} });
  await call(first, '/webhooks/ping', { method: 'POST', status: 200, body: { url: hook('ping') } });

  // Cancelled, and paused and resumed by its client.
  const cancelled = await generate(
    first,
    JSON.parse(jobBody(photos, 'gone', LOTS, { images: 2, languages: LANGUAGES })),
  );
  await call(second, `/batch-jobs/${cancelled.job_id}/cancel`, { method: 'POST', body: {} });
  await call(first, `/batch-results/${cancelled.job_id}`);
  const paused = await generate(second, JSON.parse(jobBody(photos, 'rest', LOTS, { images: 2, languages: LANGUAGES })));
  await call(first, `/batch-jobs/${paused.job_id}/pause`, { method: 'POST', body: {} });
  await pause(500);
  await call(second, `/batch-jobs/${paused.job_id}/resume`, { method: 'POST', body: {} });
  await second.ended(paused.job_id);
  for (const client of [first, second]) {
    const answer = await fetch(`${client.origin}/metrics`);
    expect('/metrics', /lots_unfinished\{/.test(await answer.text()), answer.status);
  }
  return { wrong, services, id, kept: [one.job_id, id, again.job_id, third.job_id, cancelled.job_id, paused.job_id] };
}

/** What the event stream of a job said, as text; it ends by itself. */
async function followEvents(origin, id) {
  const answer = await signed(origin, `/api/v1/batch-jobs/${id}/events`);
  return answer.text();
}

/**
 * Retention in a process of its own: of two jobs of which one ended long ago, that one goes with all its rows.
 * @returns what did not go as it must, in words
 */
export async function runRetention(ground, url, gone, stays) {
  const { pool } = ground.current;
  const count = async (id) => {
    const counts = [];
    for (const table of ['batch_lots', 'batch_lot_inputs', 'batch_results', 'openai_batches', 'webhook_deliveries']) {
      counts.push((await pool.query(`select count(*)::int as n from ${table} where job_id = $1`, [id])).rows[0].n);
    }
    counts.push((await pool.query('select count(*)::int as n from batch_jobs where id = $1', [id])).rows[0].n);
    return counts;
  };
  const before = await count(stays);
  const old = "now() - interval '40 days'";
  await pool.query(`update batch_jobs set created_at = ${old}, completed_at = ${old} where id = $1`, [gone]);
  const file = fileURLToPath(new URL('../prove-history/remover.mjs', import.meta.url));
  const remover = spawn(process.execPath, [file, url, '0'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [said] = await once(remover, 'message');
  if (said !== 'ready') return ['the retention did not start'];
  remover.send('begin');
  await once(remover, 'exit');
  const left = await count(gone);
  const after = await count(stays);
  const wrong = [];
  if (left.some((rows) => rows > 0)) wrong.push(`rows are left of a job that is past its time: ${left.join()}`);
  if (before.join() !== after.join())
    wrong.push(`rows of a job that stays were removed: ${before.join()} became ${after.join()}`);
  return wrong;
}
