// Requests in flight against an upstream of fixed latency: what the service adds, beside a bare proxy on the same SDK.
import { fork, spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';

const KEY = 'bench-shared-key-0123456789abcdef-0123';
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
    const service = await startService(upstream.port);
    try {
      // The two are measured in turn, so that neither has the other's load beside it.
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
          rss_mb: target.rssMb(),
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
        const answer = await request(`http://127.0.0.1:${target.port}/api/v1/generate-descriptions`, {
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
  const timestamp = String(Math.floor(Date.now() / 1000));
  const digest = createHash('sha256').update(body).digest('hex');
  const text = `v1\n${timestamp}\nPOST\n/api/v1/generate-descriptions\n${digest}`;
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-timestamp': timestamp,
      'x-signature': `v1=${createHmac('sha256', KEY).update(text).digest('hex')}`,
    },
  };
}

async function forked(file, argument) {
  const child = fork(new URL(file, import.meta.url), [argument]);
  let rss = 0;
  child.on('message', (message) => (rss = Math.max(rss, message.rssMb ?? 0)));
  const [{ port }] = await once(child, 'message');
  return { port, rssMb: () => rss, stop: () => child.kill('SIGKILL') };
}

async function startService(upstreamPort) {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-'));
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const child = spawn(process.execPath, ['dist/main.js'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      DATA_DIR: dataDir,
      DATABASE_URL: '',
      SHARED_KEY: KEY,
      OPENAI_API_KEY: 'bench',
      OPENAI_BASE_URL: `http://127.0.0.1:${upstreamPort}/v1`,
      OUTBOUND_ALLOW: '127.0.0.1/32',
      RATE_LIMIT_SYNC: '1000000',
      LOG_LEVEL: 'error',
    },
  });
  for (;;) {
    const ready = await request(`http://127.0.0.1:${port}/ready`).then(
      async (answer) => (await answer.body.dump(), answer.statusCode === 200),
      () => false,
    );
    if (ready) break;
    await wait(100);
  }
  return {
    port,
    // The kernel's own high-water mark of the process.
    rssMb: () => Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
