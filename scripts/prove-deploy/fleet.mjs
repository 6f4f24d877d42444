// Some api and workers, each api on a port of its own that stays the same, with the settings of compose.yaml.
import { once } from 'node:events';
import { freePort } from '../free-port.mjs';
import { pause, ready } from '../prove/stage.mjs';

const COMMON = { LOG_LEVEL: 'fatal', RATE_LIMIT_SYNC: '100000', MAX_ACTIVE_JOBS: '1000', BATCH_POLL_INTERVAL: '1' };
/** As compose.yaml has them. */
const API = { ROLE: 'api', SHUTDOWN_DELAY: '5', SHUTDOWN_GRACE: '310', TRUST_PROXY: '127.0.0.1' };

export class Fleet {
  apis = [];
  workers = [];

  /** @param settings - of the api, and `ofWorkers` of the workers; they win over those of compose.yaml */
  constructor(stage, settings = {}, { apis = 2, workers = 1, ofWorkers = {} } = {}) {
    this.stage = stage;
    this.settings = settings;
    this.wanted = { apis, workers, settings: ofWorkers };
  }

  async start() {
    this.ports = [];
    for (let index = 0; index < this.wanted.apis; index++) {
      this.ports.push(await freePort());
      await this.startApi(index);
    }
    for (let index = 0; index < this.wanted.workers; index++) await this.startWorker(index);
  }

  async startWorker(index) {
    this.workers[index] = await this.stage.startService({ ...COMMON, ROLE: 'worker', ...this.wanted.settings });
    await ready(this.workers[index]);
  }

  /** @param more - settings of this one alone */
  async startApi(index, more = {}) {
    const port = this.ports[index];
    const settings = { ...COMMON, ...API, ...this.settings, ...more, PORT: String(port) };
    const service = await this.stage.startService(settings);
    this.apis[index] = { ...service, port, origin: `http://127.0.0.1:${port}` };
    await ready(this.apis[index]);
  }

  /** One after the other: told to end, waited for, started, waited for. Resolves with the longest end in seconds. */
  async rollingRestart() {
    let longest = 0;
    for (const index of this.ports.keys()) {
      const { child } = this.apis[index];
      const started = performance.now();
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`an api that was told to end ended with ${code}`);
      longest = Math.max(longest, (performance.now() - started) / 1000);
      await this.startApi(index);
      await pause(1000);
    }
    return longest;
  }

  killApi(index) {
    return kill(this.apis[index]);
  }

  killWorker(index) {
    return kill(this.workers[index]);
  }
}

async function kill({ child }) {
  child.kill('SIGKILL');
  await once(child, 'exit');
}
