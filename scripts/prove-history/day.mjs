// A short day of the service, in this process so that its statements can be watched: requests of every kind, a batch
// from its request to its webhooks, and every cron.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { jobBody, pause, signed } from '../prove/stage.mjs';
import { Explained } from './explained.mjs';

const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url));
const GENERATE = '/api/v1/generate-descriptions';
const LOTS = 40;

/** @returns what every statement of the day read, by its text */
export async function explainDay(stage, databaseUrl) {
  const [{ compose }, setup, { loadConfig }] = await Promise.all([
    dist('compose.js'),
    dist('app.setup.js'),
    dist('config/load-config.js'),
  ]);
  const receiver = createServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()));
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const config = loadConfig({
    SHARED_KEY: stage.secret,
    DATABASE_URL: databaseUrl,
    DATA_DIR: stage.folder,
    OPENAI_API_KEY: 'sandbox',
    OPENAI_BASE_URL: stage.openai,
    OUTBOUND_ALLOW: '127.0.0.1',
    BATCH_POLL_INTERVAL: '0.5',
    // The crons find nothing to remove, so the history stays as it is. Removal is measured later, alone.
    RETENTION_DAYS: '10000',
  });
  const { module, setUp } = await compose(config, databaseUrl);
  const app = await NestFactory.create(module, { ...setup.APPLICATION_OPTIONS, logger: false });
  setUp(app, config);
  const explained = Explained.watch();
  try {
    await app.listen(0, '127.0.0.1');
    await requests(stage, `http://127.0.0.1:${app.getHttpServer().address().port}`, receiver.address().port);
    await crons(app, config);
  } finally {
    explained.stop();
    await setup.closeApp(app, config);
    receiver.close();
  }
  return explained.stop();
}

async function requests(stage, origin, receiverPort) {
  const get = async (path, headers = {}) => {
    const answer = await signed(origin, path, { headers });
    const text = await answer.text();
    if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${text}`);
    return {
      text,
      json: text.startsWith('{') && !text.includes('\n{') ? JSON.parse(text) : {},
      headers: answer.headers,
    };
  };
  const post = async (path, body, headers = {}) => {
    const answer = await signed(origin, path, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const photo = { url: `${stage.photos.origin}/photo/day/0.jpg` };
  const lot = (name, more = {}) =>
    JSON.stringify({ version: '1.0.0', languages: ['en', 'de'], lots: [{ lot_id: name, images: [photo] }], ...more });
  for (let n = 0; n < 3; n++) await post(GENERATE, lot(`day-${n}`));
  for (let n = 0; n < 2; n++) await post(GENERATE, lot('day-again'), { 'Idempotency-Key': 'day' });
  const hook = { webhook_url: `http://127.0.0.1:${receiverPort}/hook` };
  for (let n = 0; n < 3; n++) {
    const cancelled = await post(GENERATE, lot(`day-cancelled-${n}`, { mode: 'batch', ...hook }));
    await post(`/api/v1/batch-jobs/${cancelled.job_id}/cancel`, '');
  }
  const body = JSON.parse(jobBody(stage.photos, 'day', LOTS, { images: 2, languages: ['en', 'de'] }));
  const events = { webhook_events: ['batch_job_progress'] };
  const { job_id: id } = await post(GENERATE, JSON.stringify({ ...body, ...hook, ...events }));
  for (;;) {
    const { json } = await get(`/api/v1/batch-status/${id}`);
    if (json.status === 'completed' && json.webhooks?.delivered > 0) break;
    if (json.status === 'failed') throw new Error(`the day's batch failed: ${JSON.stringify(json)}`);
    await pause(300);
  }
  const { json: listed } = await get('/api/v1/batch-jobs');
  const after = new Date(Date.now() - 5 * 86_400_000).toISOString();
  for (const query of [
    '?status=completed',
    '?status=failed&limit=100',
    '?status=processing',
    `?created_after=${after}`,
    `?created_before=${after}`,
    '?mode=batch',
    ...next(listed),
  ]) {
    await get(`/api/v1/batch-jobs${query}`);
  }
  // A job of today, and one that ended long ago.
  const old = listed.jobs.at(-1).id;
  for (const [job, lotId] of [
    [id, 'day-0'],
    [old, 'lot-0'],
  ]) {
    const { headers } = await get(`/api/v1/batch-status/${job}`);
    await get(`/api/v1/batch-status/${job}`, { 'If-None-Match': headers.get('etag') });
    await get(`/api/v1/batch-results/${job}`);
    await get(`/api/v1/batch-results/${job}?partial=true`);
    await get(`/api/v1/batch-results/${job}?lot_id=${lotId}`);
    for (const format of ['json', 'ndjson', 'csv']) await get(`/api/v1/batch-results/${job}/download?format=${format}`);
    await get(`/api/v1/batch-jobs/${job}/deliveries`);
  }
  const { json: deliveries } = await get('/api/v1/webhook-deliveries');
  for (const query of ['?status=failed', '?status=pending', ...next(deliveries)]) {
    await get(`/api/v1/webhook-deliveries${query}`);
  }
  const [delivery] = (await get(`/api/v1/batch-jobs/${id}/deliveries`)).json.deliveries;
  await post(`/api/v1/batch-jobs/${id}/deliveries/${delivery.id}/retry`, '');
  await post(`/api/v1/batch-jobs/${id}/webhooks/replay`, '');
  for (let n = 0; n < 3; n++) await post('/api/v1/webhooks/ping', JSON.stringify({ url: hook.webhook_url }));
  await get('/ready');
  await get('/metrics');
}

/** The query of the next page, where there is one. */
function next({ pagination }) {
  return pagination.next_cursor === null ? [] : [`?cursor=${pagination.next_cursor}`];
}

/** The crons that run every second have run already. These are the others, and the removal of what is old. */
async function crons(app, config) {
  const find = async (path, name) => app.get((await dist(path))[name], { strict: false });
  const upkeep = await find('batch/upkeep/upkeep.cron.js', 'UpkeepCron');
  await upkeep.watchQueue();
  await upkeep.removeOld();
  await upkeep.removeOrphans();
  await (await find('sync/abandoned-jobs.cron.js', 'AbandonedJobsCron')).sweep();
  await (await find('health/worker-beat.js', 'WorkerBeat')).tick();
  const { JobShardStore } = await dist('batch/shards/job-shard-store.js');
  const { Retention } = await dist('batch/upkeep/retention.js');
  const { RetentionStore } = await dist('jobs/retention-store.js');
  const { Clock } = await dist('common/clock.js');
  const { Database } = await dist('database/database.service.js');
  const thirty = { ...config, jobs: { ...config.jobs, retentionDays: 30 } };
  const database = app.get(Database, { strict: false });
  const retention = new Retention(thirty, new Clock(), database, new RetentionStore(), new JobShardStore(database));
  for (let step = 0; step < 3; step++) await retention.step();
}
