// What the proofs run on: a database, a sandbox in place of OpenAI, a photo host and replicas of the built service, all
// on loopback.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { Logger } from '@nestjs/common';
import { freePort } from '../free-port.mjs';
import { sign } from '../sign.mjs';
import { WATCHED_SERVICE } from '../start-command.mjs';

const DIST = new URL('../../dist/', import.meta.url);
const SECRET = randomBytes(32).toString('hex');
// What the service's classes say in this process would stand between the proof's own lines.
Logger.overrideLogger(['fatal', 'error']);

/**
 * Starts everything but the service. `stop` ends it all and removes the folder.
 * @param options.sandbox - settings of the sandbox that win over those below
 * @param options.database - a migrated database to use in place of an embedded one: its `url` and `stop`
 */
export async function setStage({ faults = [], seed = 'prove', sandbox: settings = {}, database: given } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'generation-prove-'));
  const database = given ?? (await migratedDatabase(join(folder, 'data')));
  const photos = await startPhotoHost();
  const sandbox = startNode([new URL('sandbox/main.js', DIST).pathname], {
    SANDBOX_STATE_DIR: join(folder, 'sandbox'),
    SANDBOX_PHOTOS: 'url',
    SANDBOX_BATCH_VALIDATE_SECONDS: '0.1',
    SANDBOX_BATCH_RUN_SECONDS: '0.1',
    SANDBOX_BATCH_FINALIZE_SECONDS: '0.1',
    SANDBOX_LINE_CONCURRENCY: '64',
    SANDBOX_LOG_BODY_BYTES: '0',
    SANDBOX_SEED: seed,
    SANDBOX_FAULTS: JSON.stringify(faults),
    ...settings,
  });
  const [line] = await once(createInterface({ input: sandbox.stdout }), 'line');
  const openai = JSON.parse(line).listening;
  // The sandbox runs at a lower priority than the service, because on few cores its work would look like stalls of the
  // service.
  setPriority(sandbox.pid, 10);
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => {});
  const services = new Set();
  let stopped = false;
  return {
    folder,
    /** The secret that signs requests to every service of this stage. */
    secret: SECRET,
    databaseUrl: database.url,
    openai,
    photos,
    pool,
    sandbox,
    /** A replica; `environment` wins over the proof's own settings. */
    async startService(environment = {}) {
      const port = await freePort();
      // A loop that restarts services may still run when the proof is told to end.
      if (stopped) throw new Error('the proof ends: no service is started any more');
      const child = startNode(WATCHED_SERVICE, {
        PORT: String(port),
        DATABASE_URL: database.url,
        DATA_DIR: join(folder, 'data'),
        SHARED_KEY: SECRET,
        OPENAI_API_KEY: 'sandbox',
        OPENAI_BASE_URL: openai,
        OUTBOUND_ALLOW: '127.0.0.1',
        BATCH_POLL_INTERVAL: '0.5',
        SUBMIT_GRACE: '3',
        LOG_LEVEL: 'fatal',
        RATE_LIMIT_POLLING: '100000',
        RATE_LIMIT_BATCH: '1000',
        ACTIVE_BATCH_LIMIT_KEY: '4',
        ...environment,
      });
      child.stdout.resume();
      const service = { child, origin: `http://127.0.0.1:${port}`, port };
      services.add(service);
      child.once('exit', () => services.delete(service));
      return service;
    },
    async stop() {
      stopped = true;
      for (const { child } of services) child.kill('SIGKILL');
      sandbox.stdin.end();
      photos.close();
      await pool.end();
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An embedded PostgreSQL with the service's tables: its `url` and `stop`. */
export async function migratedDatabase(dataDir) {
  const { startEmbeddedPostgres } = await import(new URL('database/embedded/embedded-postgres.js', DIST));
  const { loadConfig } = await import(new URL('config/load-config.js', DIST));
  const { migrateUp } = await import(new URL('database/migrate.js', DIST));
  const quiet = { log() {}, warn() {}, error: console.error };
  const database = await startEmbeddedPostgres({ dataDir, logger: quiet });
  await migrateUp(loadConfig({ SHARED_KEY: SECRET, ROLE: 'migrate', DATABASE_URL: database.url }), database.url);
  return database;
}

/** Resolves once /ready answers 200. */
export async function ready(service) {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${service.origin}/ready`).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer?.status === 200) return;
    if (service.child.exitCode !== null) throw new Error('the service did not start');
    await pause(200);
  }
  throw new Error('the service is not ready');
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sends a signed request. */
export function signed(origin, path, { method = 'GET', body, headers = {} } = {}) {
  return fetch(origin + path, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: { ...sign(SECRET, method, path, body), ...headers },
  });
}

/** The body of a job of `count` lots, each with photos whose addresses name the lot. */
export function jobBody(photos, name, count, { images, languages, bad = 0 }) {
  const lots = Array.from({ length: count }, (_, lot) => {
    const broken = bad > 0 && lot % bad === bad - 1;
    const urls = Array.from({ length: images }, (_, photo) => ({
      url: `${photos.origin}/${broken ? 'gone' : 'photo'}/${name}-${lot}/${photo}.jpg`,
    }));
    return { lot_id: `${name}-${lot}`, additional_info: `Lot ${lot} of ${name}`, images: urls };
  });
  return Buffer.from(JSON.stringify({ version: '1.0.0', mode: 'batch', languages, include: ['assessment'], lots }));
}

/** Peak resident memory in MB and processor seconds of a process (Linux). */
export async function processFigures(pid) {
  const [status, stat] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/stat`, 'utf8'),
  ]);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    peakMb: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024),
    residentMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
  };
}

function startNode(words, environment) {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, words, {
    env: { PATH, HOME, ...environment },
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  });
}

/** Runs in this process, so that its time is not counted for the service. */
async function startPhotoHost() {
  const server = createServer((request, response) => {
    const gone = request.url.startsWith('/gone/');
    response.writeHead(gone ? 404 : 200, gone ? {} : { 'Content-Type': 'image/jpeg', 'Content-Length': '120000' });
    response.end();
  });
  server.keepAliveTimeout = 75_000;
  server.listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => (server.closeAllConnections(), server.close()),
  };
}
