// npm run prove:batch [-- --lots N --faults --bad --seed TEXT]: a whole batch through the built service and the
// sandbox, recounted by programs of its own.
import { parseArgs } from 'node:util';
import { stopAtSignal } from './prove/at-signal.mjs';
import { jobBody, pause, processFigures, ready, setStage, signed } from './prove/stage.mjs';
import { askLoop } from './start-command.mjs';
import { ClientRecount, readNdjson, recountBatches, recountTables } from './prove/recount.mjs';

const { values } = parseArgs({
  options: {
    lots: { type: 'string', multiple: true },
    images: { type: 'string', default: '8' },
    faults: { type: 'boolean', default: false },
    bad: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
  },
});
const LANGUAGES = ['en', 'de', 'fr', 'ru', 'pl', 'ja'];
const IMAGES = Number(values.images);

/** The faults that users report of the Batch API, at random and all together; the same seed gives the same run. */
function everyFault(seed) {
  const rule = (fault) => ({ seed, ...fault });
  return [
    rule({ action: 'batch_fail', code: 'token_limit_exceeded', probability: 0.2, count: 2 }),
    rule({ action: 'batch_expire', share: 0.7, probability: 0.2, count: 2 }),
    rule({ action: 'batch_counts_off', probability: 0.3 }),
    rule({ action: 'batch_hidden', seconds: 1, probability: 0.3 }),
    rule({ action: 'line_missing', probability: 0.01 }),
    rule({ action: 'line_double', probability: 0.02 }),
    rule({ action: 'line_broken', probability: 0.005 }),
    rule({ action: 'line_status', status: 500, code: 'server_error', probability: 0.01 }),
    rule({ action: 'line_not_run', code: 'batch_expired', probability: 0.005 }),
    rule({ action: 'image_error', within: 'line', kind: 'vision', probability: 0.003 }),
    rule({ action: 'schema_violation', within: 'line', probability: 0.003 }),
    rule({ action: 'broken_json', within: 'line', probability: 0.003 }),
    rule({ action: 'incomplete', within: 'line', reason: 'max_output_tokens', probability: 0.003 }),
    rule({ action: 'status', method: 'POST', path: '/v1/batches', status: 500, after: true, probability: 0.2 }),
    rule({ action: 'reset', method: 'POST', path: '/v1/batches', after: true, probability: 0.1 }),
    rule({ action: 'status', method: 'POST', path: '/v1/batches', status: 503, probability: 0.1 }),
    rule({ action: 'quota', method: 'POST', path: '/v1/batches', count: 1 }),
    rule({ action: 'status', method: 'GET', path: '/v1/batches/*', status: 404, probability: 0.02 }),
    rule({ action: 'status', method: 'GET', path: '/v1/files/*/content', status: 502, probability: 0.1 }),
    rule({ action: 'cut_body', method: 'GET', path: '/v1/files/*/content', probability: 0.1 }),
    rule({ action: 'status', method: 'POST', path: '/v1/files', status: 500, probability: 0.1 }),
    rule({ action: 'status', method: 'POST', path: '/v1/responses', status: 500, probability: 0.05 }),
  ];
}

async function prove(count) {
  const faults = values.faults ? everyFault(values.seed) : [];
  const stage = await setStage({ faults, seed: values.seed });
  const stop = stopAtSignal(() => stage.stop());
  try {
    const service = await stage.startService();
    await ready(service);
    const idle = await processFigures(service.child.pid);
    // Memory that was taken by loading the modules is not counted.
    await askLoop(service.child, 'reset');
    const name = `n${count}`;
    const bad = values.bad ? 100 : 0;
    const body = jobBody(stage.photos, name, count, { images: IMAGES, languages: LANGUAGES, bad });
    const startedAt = performance.now();
    const answer = await signed(service.origin, '/api/v1/generate-descriptions', {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
    });
    const accepted = await answer.json();
    if (answer.status !== 201) throw new Error(`not accepted: ${answer.status} ${JSON.stringify(accepted)}`);
    const seconds = () => (performance.now() - startedAt) / 1000;
    const times = { intake: seconds() };
    const cpu = { intake: (await processFigures(service.child.pid)).cpuSeconds - idle.cpuSeconds };
    let status;
    let figures;
    for (let stageName = 'image_check'; ;) {
      await pause(250);
      status = await (await signed(service.origin, `/api/v1/batch-status/${accepted.job_id}`)).json();
      figures = await processFigures(service.child.pid);
      const now = status.processing_details?.current_stage;
      if (now !== stageName) {
        times[stageName] = seconds();
        cpu[stageName] = figures.cpuSeconds - idle.cpuSeconds;
        stageName = now;
      }
      if (['completed', 'failed', 'cancelled'].includes(status.status)) break;
    }
    const recount = new ClientRecount(name, count, LANGUAGES, IMAGES);
    const download = await signed(service.origin, `/api/v1/batch-results/${accepted.job_id}/download?format=ndjson`);
    await readNdjson(download.body, (lot) => recount.add(lot));
    times.download = seconds();
    const loop = await askLoop(service.child, 'read');
    figures = await processFigures(service.child.pid);
    const client = recount.report();
    const tables = await recountTables(stage.pool, accepted.job_id);
    const batches = await recountBatches(stage.openai);
    const expectedBad = bad === 0 ? 0 : Math.floor(count / bad);
    const proven =
      tables.right &&
      client.missing + client.doubled + client.foreign_text + client.incomplete === 0 &&
      client.completed === count - expectedBad &&
      (client.failed.IMAGE_UNREACHABLE ?? 0) === expectedBad &&
      batches.doubled === 0;
    console.log(JSON.stringify({ lots: count, status: status.status, client, tables, batches }, null, 1));
    console.log('wall seconds until the end of each stage:', rounded(times));
    console.log('processor seconds of the service until then:', rounded(cpu), 'in all', figures.cpuSeconds.toFixed(1));
    console.log(
      `memory: idle ${idle.residentMb} MB, peak ${figures.peakMb} MB; the event loop was held ${loop.maxMs} ms at most, ${loop.p999Ms} ms at the 99.9th percentile`,
    );
    console.log(proven ? `PROVEN for ${count} lots` : `NOT PROVEN for ${count} lots`);
    return { proven, count, cpu: figures.cpuSeconds - idle.cpuSeconds };
  } finally {
    await stop();
  }
}

function rounded(record) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, Number(value.toFixed(1))]));
}

const sizes = (values.lots ?? ['5000', '50000']).map(Number);
const runs = [];
for (const count of sizes) runs.push(await prove(count));
for (const { count, cpu } of runs)
  console.log(`${count} lots: ${((cpu / count) * 1000).toFixed(2)} ms of processor time a lot`);
process.exit(runs.every((run) => run.proven) ? 0 : 1);
