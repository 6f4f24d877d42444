import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migratedDatabase } from '../prove/stage.mjs';
import { SERVICE } from '../start-command.mjs';

const KEY = 'prove-shared-key-0123456789abcdef-0123';

/**
 * What the proofs run on: a real database of its own, receivers in a process of their own, and workers as they are
 * deployed. Nothing is faked.
 */
export async function startGround() {
  const dataDir = await mkdtemp(join(tmpdir(), 'prove-webhooks-'));
  const server = await migratedDatabase(dataDir);
  const database = new pg.Pool({ connectionString: server.url, max: 4 });
  database.on('error', () => {});
  const workers = new Set();
  let stopped = false;
  return {
    database,
    query: async (text, values) => (await database.query(text, values)).rows,
    startWorker: (settings) => {
      // A loop that restarts workers may still run when the proof is told to end.
      if (stopped) throw new Error('the proof ends: no worker is started any more');
      return startWorker(server.url, workers, settings);
    },
    startReceivers,
    stop: async () => {
      stopped = true;
      for (const worker of workers) worker.kill();
      await database.end();
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A worker of its own process; `ready` resolves when it works. */
function startWorker(databaseUrl, workers, settings) {
  const child = spawn(process.execPath, SERVICE, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      ROLE: 'worker',
      PORT: '0',
      DATABASE_URL: databaseUrl,
      SHARED_KEY: KEY,
      OPENAI_API_KEY: 'unused',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
      OUTBOUND_ALLOW: '127.0.0.1',
      LOG_LEVEL: 'log',
      ...settings,
    },
  });
  const exited = once(child, 'exit').then(() => workers.delete(worker));
  const worker = {
    pid: child.pid,
    ready: new Promise((resolve, reject) => {
      child.stdout.on('data', (chunk) => String(chunk).includes('"message":"ready"') && resolve());
      exited.then(() => reject(new Error('the worker ended before it was ready')), reject);
    }),
    /** kill -9, and waits until it is dead. */
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
  // The worker was killed before it was ready, which the proof intends.
  worker.ready.catch(() => undefined);
  workers.add(worker);
  return worker;
}

/** Receivers on ports of their own in one process; see receivers.mjs for what they do. */
async function startReceivers(kinds) {
  const child = fork(join(import.meta.dirname, 'receivers.mjs'), [KEY]);
  const ask = async (message) => {
    child.send(message);
    const [answer] = await once(child, 'message');
    return answer;
  };
  const ports = await ask({ listen: kinds });
  return {
    urls: ports.map((port) => `http://127.0.0.1:${port}/hook`),
    /** Every request so far: id, attempt, status (0: unanswered), verified, bytes, part, names of its lots. */
    requests: () => ask({ report: true }),
    stop: () => child.disconnect(),
  };
}
