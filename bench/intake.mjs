// A request of 50,000 lots: the time from its first byte to the 201, beside COPY of the same rows when they are ready.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { Pool } from 'undici';
import { writeBody } from './intake/bodies.mjs';
import { startDatabase, startService } from './support/service.mjs';
import { signedHeaders } from './support/signing.mjs';
import { median, medianRatio, quantile, rounded, verdict } from './support/statistics.mjs';

const PATH = '/api/v1/generate-descriptions';
const LOTS = 50_000;
const SIZES = [
  { images: 8, target: 1.8 },
  { images: 20, target: 1.5 },
];
const TABLES = [
  'batch_lots (job_id, position, lot_id)',
  'batch_lot_inputs (job_id, position, additional_info, images, webhook)',
];
/** Status requests during an upload: so many connections, and how often each of them asks. */
const POLLERS = 10;
const POLL_EVERY_MS = 50;

export async function run(argv = []) {
  const rounds = Number(/--rounds=(\d+)/.exec(argv.join(' '))?.[1] ?? 5);
  const folder = await mkdtemp(join(tmpdir(), 'bench-intake-'));
  const database = await startDatabase();
  const verdicts = [];
  try {
    for (const size of SIZES) verdicts.push(...(await measureSize(size, { rounds, folder, database })));
  } finally {
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
  for (const line of verdicts) console.log(line);
}

async function measureSize({ images, target }, { rounds, folder, database }) {
  const file = join(folder, `body-${images}.json`);
  const body = await writeBody(file, { lots: LOTS, images });
  // Each size gets a new service, so that memory left by one is not counted for the next.
  const service = await startService({ DATABASE_URL: database.url, ROLE: 'api' });
  const uploader = fork(new URL('./intake/upload.mjs', import.meta.url));
  try {
    await wait(1500);
    const idleMb = service.rssMb();
    // Signed before the upload begins, because hashing such a body takes the processor for some tenths of a second.
    const sign = async (scheme) =>
      scheme === 'v1'
        ? signedHeaders('POST', PATH, await readFile(file))
        : { 'x-signature': body.legacy, 'idempotency-key': `bench-${performance.now()}` };
    const send = (headers) => post(uploader, service, file, headers);
    const upload = async (scheme) => send(await sign(scheme));
    const jobId = await upload('v1').then((answer) => answer.jobId); // warms the service, and makes the floor's rows
    const rows = await keepRows(database.client, jobId, folder, images);

    const walls = { floor: [], v1: [], lots: [] };
    const peaks = [];
    const stalls = [];
    for (let round = 0; round < rounds; round++) {
      await clear(database.client);
      walls.floor.push(await copyReadyRows(database.client, rows));
      for (const scheme of ['v1', 'lots']) {
        await clear(database.client);
        await service.resetPeaks();
        walls[scheme].push((await upload(scheme)).wallMs);
        peaks.push(service.peakRssMb());
        stalls.push(await service.stallMs());
      }
    }
    const polling = await measurePolling(service, database.client, () => sign('v1'), send);
    return report({ images, target, bytes: body.bytes, idleMb, walls, peaks, stalls, polling });
  } finally {
    uploader.kill('SIGKILL');
    await service.stop();
    await rm(file, { force: true });
  }
}

async function post(uploader, service, file, headers) {
  uploader.send({ url: service.origin + PATH, file, headers: { ...headers, 'content-type': 'application/json' } });
  const [answer] = await once(uploader, 'message');
  if (answer.status !== 201) throw new Error(`the upload was refused: ${answer.error ?? answer.body}`);
  const { job_id: jobId, total_lots: total } = JSON.parse(answer.body);
  if (total !== LOTS) throw new Error(`${total} lots were taken`);
  return { wallMs: answer.wallMs, jobId };
}

/** The rows of a job in COPY's text format, as PostgreSQL itself writes them. */
async function keepRows(client, jobId, folder, images) {
  const files = [];
  for (const table of TABLES) {
    const [, name, columns] = /^(\w+) \((.*)\)$/.exec(table);
    const path = join(folder, `${name}-${images}.rows`);
    const query = `copy (select ${columns} from ${name} where job_id = '${jobId}' order by position) to stdout`;
    await pipeline(client.query(copyTo(query)), createWriteStream(path));
    files.push({ table, path });
  }
  return files;
}

/** The floor: both tables' rows in one transaction. */
async function copyReadyRows(client, files) {
  const started = performance.now();
  await client.query('begin');
  for (const { table, path } of files) {
    await pipeline(
      createReadStream(path, { highWaterMark: 256 * 1024 }),
      client.query(copyFrom(`copy ${table} from stdin`)),
    );
  }
  await client.query('commit');
  return performance.now() - started;
}

async function clear(client) {
  await client.query('truncate batch_jobs, batch_lots, batch_lot_inputs, openai_batches, request_keys');
  await client.query('checkpoint');
}

/**
 * Latency of status requests alone, and while a body comes in. Each request starts on time, even if the one before is
 * still waiting.
 */
async function measurePolling(service, client, sign, send) {
  await clear(client);
  const { jobId } = await send(await sign());
  await client.query('checkpoint');
  await poll(service, jobId, wait(2000));
  const idle = await poll(service, jobId, wait(4000));
  const during = [];
  for (let round = 0; round < 3; round++) {
    const headers = await sign();
    during.push(...(await poll(service, jobId, send(headers))));
    await client.query('checkpoint');
  }
  return {
    idle: quantile(idle, 0.99),
    during: quantile(during, 0.99),
    most: Math.max(...during),
    asked: during.length,
  };
}

async function poll(service, jobId, until) {
  const pool = new Pool(service.origin, { connections: POLLERS });
  const path = `/api/v1/batch-status/${jobId}`;
  const latencies = [];
  let over = false;
  const ended = until.finally(() => (over = true));
  await Promise.all(
    Array.from({ length: POLLERS }, async (_, poller) => {
      const first = performance.now() + (poller / POLLERS) * POLL_EVERY_MS;
      for (let turn = 0; !over; turn++) {
        await wait(Math.max(0, first + turn * POLL_EVERY_MS - performance.now()));
        const started = performance.now();
        const answer = await pool.request({ path, method: 'GET', headers: signedHeaders('GET', path) });
        await answer.body.dump();
        if (answer.statusCode !== 200) throw new Error(`status answered ${answer.statusCode}`);
        latencies.push(performance.now() - started);
      }
    }),
  );
  await ended;
  await pool.close();
  return latencies;
}

function report({ images, target, bytes, idleMb, walls, peaks, stalls, polling }) {
  const ratio = medianRatio(walls.v1, walls.floor);
  const legacy = medianRatio(walls.lots, walls.v1);
  const name = `${LOTS} lots × ${images} images`;
  console.log(`${name}, ${rounded(bytes / 1e6, 1)} MB`);
  console.table({
    'floor: COPY of ready rows': { median_ms: rounded(median(walls.floor)), of_floor: 1 },
    'signed request': { median_ms: rounded(median(walls.v1)), of_floor: rounded(ratio, 2) },
    'lots signature': {
      median_ms: rounded(median(walls.lots)),
      of_floor: rounded(medianRatio(walls.lots, walls.floor), 2),
    },
  });
  console.log(`idle RSS ${idleMb} MB, peaks ${peaks.join(' ')} MB; longest stalls ${stalls.join(' ')} ms`);
  console.log(
    `status p99 ${rounded(polling.idle, 1)} ms idle, ${rounded(polling.during, 1)} ms during uploads (most ${rounded(polling.most, 1)} ms, ${polling.asked} asked)`,
  );
  return [
    verdict(`${name}, signed request / COPY`, ratio, target, 'x'),
    verdict(`${name}, lots signature / signed request`, legacy, 1.5, 'x'),
    verdict(`${name}, peak RSS above idle`, Math.max(...peaks) - idleMb, 60, ' MB'),
    verdict(`${name}, longest event-loop stall`, Math.max(...stalls), 50, ' ms'),
    verdict(`${name}, status p99 during / idle`, polling.during / polling.idle, 3, 'x'),
  ];
}
