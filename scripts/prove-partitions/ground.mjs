// An api and a worker on one database, whose time of day can be moved ahead together; the commands of operators beside them,
// which can be killed at a step; and who waited for a lock for how long.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { JobClient } from '../prove/job-client.mjs';
import { setAhead, setChildAhead } from '../prove/moved-clock.mjs';
import { pause, ready, setStage } from '../prove/stage.mjs';

const MOVED_CLOCK = new URL('../prove/moved-clock.mjs', import.meta.url).href;
const OPS = fileURLToPath(new URL('../../dist/ops.js', import.meta.url));
const DAY_MS = 24 * 3_600_000;
const SETTINGS = {
  NODE_OPTIONS: `--import ${MOVED_CLOCK}`,
  RETENTION_DAYS: '30',
  MAX_ACTIVE_JOBS: '100000',
  RATE_LIMIT_SYNC: '100000',
  ACTIVE_BATCH_LIMIT_GLB: '50',
  ACTIVE_BATCH_LIMIT_KEY: '50',
  BATCH_POLL_INTERVAL: '0.2',
};
const LOOK_MS = 20;

export async function startGround() {
  const stage = await setStage({ seed: 'partitions' });
  const ground = new Ground(stage);
  ground.api = await stage.startService({ ...SETTINGS, ROLE: 'api' });
  ground.worker = await stage.startService({ ...SETTINGS, ROLE: 'worker', LOG_LEVEL: 'log' });
  createInterface({ input: ground.worker.child.stdout }).on('line', (line) => ground.heard(line));
  await ready(ground.api);
  await ready(ground.worker);
  ground.client = new JobClient(ground.api.origin);
  return ground;
}

class Ground {
  /** The weeks that the worker dropped, with the milliseconds for which others may have waited. */
  dropped = [];
  aheadDays = 0;
  commands = new Set();

  constructor(stage) {
    this.stage = stage;
    this.pool = stage.pool;
  }

  heard(line) {
    if (!line.startsWith('{')) return;
    const { message, partition, held_ms: heldMs } = JSON.parse(line);
    if (message === 'a week was dropped') this.dropped.push({ partition, heldMs });
  }

  /** Moves the time of day of all processes, to so many days after now. PostgreSQL's clock stays. */
  async moveTo(days) {
    this.aheadDays = days;
    for (const { child } of [this.api, this.worker]) await setChildAhead(child, days * DAY_MS);
    setAhead(days * DAY_MS);
  }

  /** Runs an operator's command to its end. */
  async ops(...words) {
    const child = this.command(words);
    const [printed, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code, text: `${printed}${said}`.trim() };
  }

  /** Runs a command and kills it (SIGKILL) once `when` is true. @returns false when it had ended before */
  async opsKilled(words, when) {
    const child = this.command(words);
    child.stdout.resume();
    child.stderr.resume();
    let ended = false;
    const exit = once(child, 'exit').then(() => (ended = true));
    while (!ended && !(await when())) await pause(2);
    const killed = !ended;
    if (killed) child.kill('SIGKILL');
    await exit;
    return killed;
  }

  command(words) {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [OPS, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        HOME,
        NODE_OPTIONS: SETTINGS.NODE_OPTIONS,
        MOVED_CLOCK_MS: String(this.aheadDays * DAY_MS),
        DATABASE_URL: this.stage.databaseUrl,
        SHARED_KEY: this.stage.secret,
        OPENAI_API_KEY: 'unused',
      },
    });
    this.commands.add(child);
    child.once('exit', () => this.commands.delete(child));
    return child;
  }

  async value(sql, values = []) {
    const { rows } = await this.pool.query({ text: sql, values, rowMode: 'array' });
    return rows[0]?.[0];
  }

  /** @throws Error naming `what` when it takes longer than three minutes */
  async until(what, seen) {
    const end = performance.now() + 180_000;
    while (!(await seen())) {
      if (performance.now() > end) throw new Error(`waited three minutes for: ${what}`);
      await pause(200);
    }
  }

  /** Resolves when no job is unfinished and nothing of one is left at OpenAI. */
  async quiet() {
    await this.until('the end of all jobs', async () => {
      const left = await this.value(
        `select (select count(*) from batch_jobs where completed_at is null and cancelled_at is null)
           + (select count(*) from openai_batches
              where coalesce(input_file_id, output_file_id, error_file_id) is not null or status not in ('done', 'cancelled'))`,
      );
      return Number(left) === 0;
    });
  }

  async stop() {
    for (const child of this.commands) child.kill('SIGKILL');
    await this.stage.stop();
  }
}

/** Looks fifty times a second for how long a connection of the service has been waiting for a lock. */
export class LockWatch {
  longestMs = 0;
  looks = 0;

  async start(url) {
    this.client = new pg.Client({ connectionString: url });
    this.client.on('error', () => undefined);
    await this.client.connect();
    this.running = this.loop().catch((error) => {
      if (!this.stopped) throw error;
    });
  }

  async loop() {
    while (!this.stopped) {
      const { rows } = await this.client.query(
        `select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart) * 1000), 0)::float8 as ms
         from pg_locks l join pg_stat_activity a on a.pid = l.pid
         where not l.granted and a.application_name in ('generation-service api', 'generation-service worker')`,
      );
      this.longestMs = Math.max(this.longestMs, rows[0].ms);
      this.looks++;
      await pause(LOOK_MS);
    }
  }

  async stop() {
    this.stopped = true;
    await this.running;
    await this.client.end();
  }
}
