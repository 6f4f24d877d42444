// Results of 50,000 lots in four languages as NDJSON: the service beside COPY TO of the same columns.
import { once } from 'node:events';
import { get } from 'node:http';
import { to as copyTo } from 'pg-copy-streams';
import { seedJob } from './support/jobs.mjs';
import { startDatabase, startService } from './support/service.mjs';
import { signedHeaders } from './support/signing.mjs';
import { median, medianRatio, rounded, verdict } from './support/statistics.mjs';

const LOTS = 50_000;
const LANGUAGES = ['en', 'ru', 'de', 'pl'];

export async function run(argv = []) {
  const rounds = Number(/--rounds=(\d+)/.exec(argv.join(' '))?.[1] ?? 5);
  const database = await startDatabase();
  const service = await startService({ DATABASE_URL: database.url, ROLE: 'api' });
  try {
    const { client } = database;
    const jobId = await seedJob(client, { lots: LOTS, status: 'completed', languages: LANGUAGES });
    await seedResults(client, jobId);
    const idleMb = service.rssMb();
    await download(service, jobId);
    const walls = { floor: [], service: [] };
    const peaks = [];
    const stalls = [];
    let bytes = 0;
    for (let round = 0; round < rounds; round++) {
      walls.floor.push(await copyOut(client, jobId));
      await service.resetPeaks();
      const started = performance.now();
      bytes = await download(service, jobId);
      walls.service.push(performance.now() - started);
      peaks.push(service.peakRssMb());
      stalls.push(await service.stallMs());
    }
    console.log(`${LOTS} lots × ${LANGUAGES.length} languages, ${rounded(bytes / 1e6, 1)} MB`);
    console.table({
      'floor: COPY TO': { median_ms: rounded(median(walls.floor)) },
      service: { median_ms: rounded(median(walls.service)) },
    });
    console.log(`idle RSS ${idleMb} MB, peaks ${peaks.join(' ')} MB; longest stalls ${stalls.join(' ')} ms`);
    console.log(verdict('results / COPY TO', medianRatio(walls.service, walls.floor), 1.6, 'x'));
    console.log(verdict('peak RSS above idle', Math.max(...peaks) - idleMb, 60, ' MB'));
  } finally {
    await service.stop();
    await database.stop();
  }
}

async function seedResults(client, jobId) {
  const english =
    '<p>Front bumper: deep scratch, moderate.</p><ul><li>Left headlamp: cracked lens, severe.</li></ul>'.repeat(3);
  const russian = '<p>Передний бампер: глубокая царапина.</p><ul><li>Левая фара: трещина стекла.</li></ul>'.repeat(3);
  await client.query(
    `insert into batch_results (job_id, position, language, html, strings, created_at)
     select $1, n, l, case when l = 'ru' then $4 else $3 end, '[]', now()
     from generate_series(0, $2 - 1) n, unnest($5::text[]) l order by n`,
    [jobId, LOTS, english, russian, LANGUAGES],
  );
  await client.query('vacuum analyze batch_results, batch_lots, batch_lot_inputs, batch_jobs');
}

/** The floor: the columns that results show, in their order, read from both tables and thrown away. */
async function copyOut(client, jobId) {
  const started = performance.now();
  for (const query of [
    `select position, lot_id, status, finished_at, processed_images, missing_images, error from batch_lots
     where job_id = '${jobId}' order by position`,
    `select position, language, html, fallback, revision from batch_results
     where job_id = '${jobId}' order by position`,
  ]) {
    const stream = client.query(copyTo(`copy (${query}) to stdout`));
    stream.resume();
    await once(stream, 'end');
  }
  return performance.now() - started;
}

async function download(service, jobId) {
  const path = `/api/v1/batch-results/${jobId}`;
  const headers = { ...signedHeaders('GET', path), accept: 'application/x-ndjson' };
  const [response] = await once(get(service.origin + path, { headers, agent: false }), 'response');
  if (response.statusCode !== 200) throw new Error(`results answered ${response.statusCode}`);
  let bytes = 0;
  let lots = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lots++;
  }
  if (lots !== LOTS) throw new Error(`${lots} lots came`);
  return bytes;
}
