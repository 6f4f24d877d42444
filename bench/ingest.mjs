// Taking in the output of a vision batch: HTTP, lines, assessment, results, lot states, cursor and counters. Floor: the
// same lines read and assessed, and COPY of the results alone.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { insertJob, load, optionOf, report, startBench } from './batch/fixture.mjs';

export async function run(args) {
  const lots = optionOf(args, 'lots', 50_000);
  const rounds = optionOf(args, 'rounds', 5);
  let lines = () => [];
  const files = createServer((_incoming, answer) => Readable.from(lines()).pipe(answer)).listen(0, '127.0.0.1');
  await once(files, 'listening');
  const openai = `http://127.0.0.1:${files.address().port}/v1`;
  const bench = await startBench(openai);
  const { pool } = bench.stage;
  try {
    const answer = await oneAnswer(bench);
    const text = JSON.stringify(answer);
    lines = function* () {
      for (let from = 0; from < lots; from += 100) {
        let chunk = '';
        for (let position = from; position < Math.min(lots, from + 100); position++) {
          const body = text.replace(answer.id, `resp_${position}`);
          chunk += `{"id":"batch_req_${position}","custom_id":"${position}-0","response":{"status_code":200,"request_id":"r","body":${body}},"error":null}\n`;
        }
        yield Buffer.from(chunk);
      }
    };
    const { TakeInStage } = await load('batch/stages/take-in.stage.js');
    const { Leases } = await load('database/leases.service.js');
    const stage = bench.app.get(TakeInStage, { strict: false });
    const leases = bench.app.get(Leases, { strict: false });
    const takeIn = async () => {
      const [claim] = await stage.claim(1);
      await leases.runWithLease(claim, (lease) => stage.run(claim, lease.signal));
    };
    const floor = await floorOf(bench, openai);
    const floors = [];
    const runs = [];
    for (let round = 0; round <= rounds; round++) {
      for (const [times, work] of [
        [floors, floor],
        [runs, takeIn],
      ]) {
        await pool.query('truncate batch_results, batch_lots, batch_lot_inputs, batch_jobs, openai_batches, job_usage');
        const id = await insertJob(pool, lots, 8);
        await pool.query(`update openai_batches set output_file_id = 'file-1', cursor_file = 'output'`);
        await pool.query('checkpoint');
        const start = performance.now();
        await work(id);
        // The first round warms both up.
        if (round > 0) times.push(performance.now() - start);
      }
      const { rows } = await pool.query('select awaiting_translation from batch_jobs');
      if (rows[0].awaiting_translation !== lots) throw new Error('not every line was taken in');
    }
    console.log(
      `${lots} lines of ${text.length} bytes; ${Math.round((lots / Math.min(...runs)) * 1000)} lines a second at best; memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most`,
    );
    report('ingest', floors, runs, 1.2);
  } finally {
    files.closeAllConnections();
    files.close();
    await bench.stop();
  }
}

/** A real answer of the sandbox to a lot of eight photos. */
async function oneAnswer(bench) {
  const { buildVisionRequest } = await load('assessment/vision-request.js');
  const { ModelSettings } = await load('describe/model-settings.js');
  const settings = bench.app.get(ModelSettings, { strict: false });
  const imageUrls = Array.from(
    { length: 8 },
    (_, photo) => `https://cdn.bench.test/lots/1/photo-${photo + 1}-0123456789abcdef.jpg`,
  );
  const response = await fetch(`${bench.stage.openai}/responses`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer bench' },
    body: JSON.stringify(buildVisionRequest({ additionalInfo: null, imageUrls }, settings.vision)),
  });
  return response.json();
}

async function floorOf(bench, openai) {
  const { splitLines } = await load('batch/lines/line-splitter.js');
  const { ResultRows, RESULT_COLUMNS } = await load('jobs/result-rows.js');
  const { copyRows } = await load('database/copy-rows.js');
  const { parseVisionAnswer } = await load('assessment/vision-answer.js');
  const { LotDescriber } = await load('describe/lot-describer.js');
  const describer = bench.app.get(LotDescriber, { strict: false });
  const photos = Array.from({ length: 8 }, (_, photo) => ({
    number: photo + 1,
    url: `https://cdn.bench.test/lots/1/photo-${photo + 1}-0123456789abcdef.jpg`,
  }));
  return async (jobId) => {
    const response = await fetch(`${openai}/files/file-1/content`);
    const client = await bench.stage.pool.connect();
    let rows = new ResultRows(jobId, new Date().toISOString());
    let ranges = [];
    const copy = async () => {
      await copyRows(client, `batch_results ${RESULT_COLUMNS}`, rows.take(ranges));
      rows = new ResultRows(jobId, new Date().toISOString());
      ranges = [];
    };
    for await (const { bytes } of splitLines(chunksOf(response.body), 0)) {
      const line = JSON.parse(bytes.toString());
      const answer = parseVisionAnswer(line.response.body, photos, '1');
      ranges.push(rows.add(Number.parseInt(line.custom_id, 10), [describer.englishRow(answer, true)]));
      if (ranges.length >= 2000) await copy();
    }
    await copy();
    client.release();
  };
}

async function* chunksOf(body) {
  for await (const chunk of body) yield Buffer.from(chunk);
}
