// Status requests of one job over 50 connections, with full answers and with 304s: the service beside node:http with
// one query.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'undici';
import { startDatabase, startService } from './support/service.mjs';
import { signedHeaders } from './support/signing.mjs';
import { seedJob } from './support/jobs.mjs';
import { median, medianRatio, rounded, verdict } from './support/statistics.mjs';

const WARM_SECONDS = 1;
const SECONDS = 3;

export async function run(argv = []) {
  const rounds = Number(/--rounds=(\d+)/.exec(argv.join(' '))?.[1] ?? 5);
  const database = await startDatabase();
  const service = await startService({ DATABASE_URL: database.url, ROLE: 'api' });
  const floor = fork(new URL('./status/floor.mjs', import.meta.url), [database.url]);
  const loader = fork(new URL('./status/load.mjs', import.meta.url));
  try {
    const [{ port }] = await once(floor, 'message');
    const jobId = await seedJob(database.client, { lots: 50_000, status: 'processing' });
    const path = `/api/v1/batch-status/${jobId}`;
    const first = await request(service.origin + path, { headers: signedHeaders('GET', path) });
    await first.body.dump();
    const kinds = {
      floor: { origin: `http://127.0.0.1:${port}`, status: 200 },
      status: { origin: service.origin, status: 200 },
      'not modified': { origin: service.origin, status: 304, extra: { 'if-none-match': first.headers.etag } },
    };
    const results = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, kind] of Object.entries(kinds)) {
        await load(loader, { ...kind, path, seconds: WARM_SECONDS });
        results[name].push(await load(loader, { ...kind, path, seconds: SECONDS }));
      }
    }
    report(results, service.peakRssMb());
  } finally {
    loader.kill('SIGKILL');
    floor.kill('SIGKILL');
    await service.stop();
    await database.stop();
  }
}

async function load(loader, task) {
  loader.send(task);
  const [result] = await once(loader, 'message');
  return result;
}

function report(results, rssMb) {
  const speeds = (name) => results[name].map(({ perSecond }) => perSecond);
  const rows = Object.entries(results).map(([name, runs]) => ({
    name,
    per_second: rounded(median(speeds(name))),
    p50_ms: rounded(median(runs.map(({ p50 }) => p50)), 1),
    p99_ms: rounded(median(runs.map(({ p99 }) => p99)), 1),
    times_slower: rounded(medianRatio(speeds('floor'), speeds(name)), 2),
  }));
  console.table(rows);
  console.log(`peak RSS of the service ${rssMb} MB`);
  console.log(verdict('status, floor / service', medianRatio(speeds('floor'), speeds('status')), 1.5, 'x'));
  console.log(verdict('304, floor / service', medianRatio(speeds('floor'), speeds('not modified')), 1.3, 'x'));
}
