// Starts the built service as an operator would, on a database of the benchmark's own, and measures its process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { request } from 'undici';
import { freePort } from '../../scripts/free-port.mjs';
import { migratedDatabase } from '../../scripts/prove/stage.mjs';
import { WATCHED_SERVICE, askLoop } from '../../scripts/start-command.mjs';
import { KEY } from './signing.mjs';

/** Log lines are not needed in a benchmark; failures are still shown. */
const QUIET = { LOG_LEVEL: 'error', NODE_ENV: 'test' };

/**
 * An embedded server with the service's schema, kept running by a process that does nothing else.
 * @returns {Promise<{url: string, client: import('pg').Client, stop: () => Promise<void>}>}
 */
export async function startDatabase() {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-database-'));
  const embedded = await migratedDatabase(dataDir);
  const client = new pg.Client({ connectionString: embedded.url });
  await client.connect();
  return {
    url: embedded.url,
    client,
    stop: async () => {
      await client.end();
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/**
 * Starts the service on a free port and waits until it can work.
 * @param {Record<string, string>} settings - on top of those that every benchmark needs
 */
export async function startService(settings) {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-service-'));
  const port = await freePort();
  const child = spawn(process.execPath, WATCHED_SERVICE, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      ...QUIET,
      PORT: String(port),
      DATA_DIR: dataDir,
      SHARED_KEY: KEY,
      OPENAI_API_KEY: 'bench',
      // Nothing listens at this address; a benchmark that needs a model starts one.
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
      RATE_LIMIT_SYNC: '100000000',
      RATE_LIMIT_BATCH: '100000000',
      RATE_LIMIT_POLLING: '100000000',
      MAX_ACTIVE_JOBS: '1000000',
      ...settings,
    },
  });
  let ended = false;
  child.once('exit', () => (ended = true));
  const origin = `http://127.0.0.1:${port}`;
  for (;;) {
    if (ended) throw new Error('the service ended before it was ready');
    const ready = await request(`${origin}/ready`).then(
      async (answer) => (await answer.body.dump(), answer.statusCode === 200),
      () => false,
    );
    if (ready) break;
    await wait(100);
  }
  return {
    port,
    origin,
    /** MiB resident now. */
    rssMb: () => memory(child.pid, 'VmRSS'),
    /** The most MiB resident since `resetPeaks`: the kernel's own high-water mark. */
    peakRssMb: () => memory(child.pid, 'VmHWM'),
    /** Starts counting peaks again from here. */
    resetPeaks: async () => {
      resetHighWaterMark(child.pid);
      await askLoop(child, 'reset');
    },
    /** The longest time that the event loop was blocked since `resetPeaks`, in milliseconds. */
    stallMs: async () => (await askLoop(child, 'read')).maxMs,
    stop: async () => {
      child.kill('SIGTERM');
      if (!ended) await once(child, 'exit');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function memory(pid, name) {
  return Math.round(
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024,
  );
}

function resetHighWaterMark(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
