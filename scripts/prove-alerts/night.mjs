// An api, a worker, a receiver and clients, in a night in which things go wrong.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { JobClient } from '../prove/job-client.mjs';
import { pause, ready, setStage } from '../prove/stage.mjs';
import { Upstream } from '../prove/upstream.mjs';
import { NODE_FLAGS } from '../start-command.mjs';

const run = promisify(execFile);

const DAY_MS = 86_400_000;
/** A model that OpenAI shuts down in ten days. */
export const ENDING_MODEL = 'gpt-ending';
const SETTINGS = {
  WEBHOOK_SCHEDULE: '0,1,1,1',
  BASE_DELAY_SEC: '0.05',
  BATCH_POLL_INTERVAL: '0.2',
  RATE_LIMIT_SYNC: '100000',
};

export class Night {
  services = new Map();
  made = 0;

  static async begin() {
    const end = new Date(Date.now() + 10 * DAY_MS).toISOString().slice(0, 10);
    const sandbox = { SANDBOX_MODELS: JSON.stringify({ [ENDING_MODEL]: end }) };
    const stage = await setStage({ seed: 'alerts', sandbox });
    const receivers = {
      well: await startReceiver(204),
      down: await startReceiver(500),
      gone: await startReceiver(410),
    };
    const night = new Night(stage, receivers);
    await night.start('api', { ROLE: 'api' });
    await night.start('worker', { ROLE: 'worker' });
    return night;
  }

  constructor(stage, receivers) {
    this.stage = stage;
    this.receivers = receivers;
    this.upstream = new Upstream(stage.openai);
  }

  get client() {
    return new JobClient(this.services.get('api').origin);
  }

  async start(name, settings) {
    const service = await this.stage.startService({ ...SETTINGS, ...settings });
    await ready(service);
    this.services.set(name, service);
  }

  async kill(name) {
    const { child } = this.services.get(name);
    this.services.delete(name);
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** What Prometheus scrapes. */
  targets() {
    return [...this.services.values()].map(({ port }) => `127.0.0.1:${port}`);
  }

  lots(count, path = 'photo') {
    const job = `n${++this.made}`;
    return Array.from({ length: count }, (_, lot) => ({
      lot_id: `${job}-${lot}`,
      images: [{ url: `${this.stage.photos.origin}/${path}/${job}-${lot}.jpg` }],
    }));
  }

  /** Makes a job. @returns its id */
  async submit(count, more = {}, path = 'photo') {
    const { code, body } = await this.client.create(this.lots(count, path), more);
    if (code !== 201) throw new Error(`not accepted: ${code} ${JSON.stringify(body)}`);
    return body.job_id;
  }

  /** Jobs and webhooks that go well. */
  async ordinary(ms) {
    for (const end = performance.now() + ms; performance.now() < end; await pause(1000)) {
      await this.client.ended(await this.submit(5, { webhook_url: this.receivers.well.url }));
    }
  }

  /** Does `work` again and again, until the returned function is called. */
  repeat(work) {
    let over = false;
    const done = (async () => {
      while (!over) {
        await work();
        await pause(300);
      }
    })();
    return async () => {
      over = true;
      await done;
    };
  }

  /** An operator's command. */
  async operate(...words) {
    const { secret, databaseUrl, openai } = this.stage;
    const ops = new URL('../../dist/ops.js', import.meta.url).pathname;
    await run(process.execPath, [...NODE_FLAGS, ops, ...words], {
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        SHARED_KEY: secret,
        OPENAI_API_KEY: 'sandbox',
        OPENAI_BASE_URL: openai,
      },
    });
  }

  sql(text) {
    return this.stage.pool.query(text);
  }

  /** What promtool says of the names in a scrape, without what the library prom-client adds by itself. */
  async lint() {
    const complaints = [];
    for (const { origin } of this.services.values()) {
      const scrape = await (await fetch(`${origin}/metrics`)).text();
      const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
      child.stdin.end(scrape);
      await once(child, 'close');
      complaints.push(...said.split('\n').filter((line) => line !== '' && !/^(?:nodejs|process)_/.test(line)));
    }
    return complaints;
  }

  async end() {
    for (const receiver of Object.values(this.receivers)) receiver.close();
    await this.stage.stop();
  }
}

/** A receiver that answers everything alike; each is an origin of its own. */
async function startReceiver(status) {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(status).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/hook`,
    close: () => (server.closeAllConnections(), server.close()),
  };
}
