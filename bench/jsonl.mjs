// The JSONL of a shard, with the real prompt and schema, from the tables to an HTTP upload. Floor: reading the same
// rows and sending the same bytes.
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { insertJob, load, optionOf, report, startBench } from './batch/fixture.mjs';

export async function run(args) {
  const lots = optionOf(args, 'lots', 50_000);
  const rounds = optionOf(args, 'rounds', 5);
  const bench = await startBench();
  const sink = createServer((incoming, answer) => incoming.resume().on('end', () => answer.end())).listen(
    0,
    '127.0.0.1',
  );
  await once(sink, 'listening');
  const { port } = sink.address();
  try {
    const { RequestFile } = await load('batch/lines/request-file.js');
    const file = bench.app.get(RequestFile, { strict: false });
    const jobId = await insertJob(bench.stage.pool, lots, 8);
    const shard = { jobId, stage: 'vision', first: 0, last: lots - 1, attempt: 0 };
    const send = async (chunks) => {
      const upload = request({ host: '127.0.0.1', port, method: 'POST', path: '/' });
      const answered = once(upload, 'response');
      for await (const chunk of chunks) if (!upload.write(chunk)) await once(upload, 'drain');
      upload.end();
      const [answer] = await answered;
      answer.resume();
      await once(answer, 'end');
    };
    const facts = {};
    // Without the limits of OpenAI's files, so that all lots go through one upload.
    const limits = { tokens: null, bytes: Infinity, lines: Infinity };
    const build = () => send(file.write(shard, ['en'], limits, facts));
    await build();
    const constant = Buffer.alloc(512 * 1024, 'x');
    const floor = async () => {
      for (let from = 0; from < lots; from += 500) {
        await bench.stage.pool.query({
          rowMode: 'array',
          text: `select l.position, i.additional_info, i.images::text, l.missing_images::text
            from batch_lots l join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position
            where l.job_id = $1 and l.position >= $2 and l.status = 'processing' order by l.position limit 500`,
          values: [jobId, from],
        });
      }
      await send(
        (function* () {
          for (let left = facts.bytes; left > 0; left -= constant.length)
            yield constant.subarray(0, Math.min(left, constant.length));
        })(),
      );
    };
    const floors = [];
    const runs = [];
    for (let round = 0; round < rounds; round++) {
      floors.push(await timed(floor));
      runs.push(await timed(build));
    }
    console.log(
      `${facts.lines} lines, ${(facts.bytes / 2 ** 20).toFixed(0)} MiB; memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most`,
    );
    report('jsonl', floors, runs, 1.3);
  } finally {
    sink.closeAllConnections();
    sink.close();
    await bench.stop();
  }
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
