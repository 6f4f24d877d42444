// Many requests at once to an upstream of fixed latency: the time that the service adds, beside a bare proxy on the
// same SDK.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { startService } from './support/service.mjs';
import { signedHeaders } from './support/signing.mjs';

const PATH = '/api/v1/generate-descriptions';
const ROUNDS = [
  { latencyMs: 5000, inFlight: 1 },
  { latencyMs: 5000, inFlight: 100 },
  { latencyMs: 5000, inFlight: 1000 },
  { latencyMs: 1000, inFlight: 1000 },
];

export async function run() {
  const table = [];
  for (const round of ROUNDS) {
    const upstream = await forked('sync/upstream.mjs', String(round.latencyMs));
    const floor = await forked('sync/floor.mjs', `http://127.0.0.1:${upstream.port}/v1`);
    const service = await startService({
      OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}/v1`,
      OUTBOUND_ALLOW: '127.0.0.1/32',
      DATABASE_URL: '',
    });
    try {
      // The two are measured one after the other, so that neither runs under the load of the other.
      for (const [who, target] of [
        ['floor', floor],
        ['service', service],
      ]) {
        await load(target, upstream.port, { latencyMs: 200, inFlight: 50 }, round.latencyMs); // warm both alike
        const result = await load(target, upstream.port, round, round.latencyMs);
        const most = await (await request(`http://127.0.0.1:${upstream.port}/most`)).body.text();
        table.push({
          latency_s: round.latencyMs / 1000,
          in_flight: round.inFlight,
          who,
          added_p50_ms: result.p50,
          added_p99_ms: result.p99,
          errors: result.errors,
          held_at_once: Number(most),
          rss_mb: target.peakRssMb(),
        });
      }
    } finally {
      await service.stop();
      floor.stop();
      upstream.stop();
    }
  }
  console.table(table);
  const [floor, service] = table.filter((row) => row.in_flight === 1000 && row.latency_s === 5);
  console.log(
    `1,000 in flight at 5 s: added p99 ${service.added_p99_ms} ms, the floor's ${floor.added_p99_ms} ms: ` +
      `+${service.added_p99_ms - floor.added_p99_ms} ms (to reach: +100 at most), errors ${service.errors}`,
  );
}

/** Starts `inFlight` requests spread over one latency; each answer's time above the upstream's is what was added. */
async function load(target, photoPort, { latencyMs, inFlight }, upstreamMs) {
  const agent = new Agent({ connections: null, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const added = [];
  let errors = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async (_, index) => {
      await wait((index / inFlight) * latencyMs - (performance.now() - started));
      const { headers, body } = signed(`lot-${started}-${index}`, photoPort);
      const begun = performance.now();
      try {
        const answer = await request(`http://127.0.0.1:${target.port}${PATH}`, {
          method: 'POST',
          headers,
          body,
          dispatcher: agent,
        });
        await answer.body.dump();
        if (answer.statusCode === 200) added.push(performance.now() - begun - upstreamMs);
        else errors += 1;
      } catch {
        errors += 1;
      }
    }),
  );
  await agent.destroy();
  added.sort((a, b) => a - b);
  const at = (share) => Math.round(added[Math.min(added.length - 1, Math.floor(added.length * share))] ?? Number.NaN);
  return { p50: at(0.5), p99: at(0.99), errors };
}

function signed(lotId, photoPort) {
  const body = JSON.stringify({
    version: '1.0.0',
    languages: ['en'],
    lots: [{ lot_id: lotId, additional_info: '2021 BMW X5', images: [`http://127.0.0.1:${photoPort}/${lotId}.jpg`] }],
  });
  return { body, headers: { 'content-type': 'application/json', ...signedHeaders('POST', PATH, body) } };
}

async function forked(file, argument) {
  const child = fork(new URL(file, import.meta.url), [argument]);
  let rss = 0;
  child.on('message', (message) => (rss = Math.max(rss, message.rssMb ?? 0)));
  const [{ port }] = await once(child, 'message');
  return { port, peakRssMb: () => rss, stop: () => child.kill('SIGKILL') };
}
