// Two api and a worker, each on a port of its own that stays the same, with the settings of compose.yaml.
import { once } from 'node:events';
import { freePort } from '../free-port.mjs';
import { pause, ready } from '../prove/stage.mjs';

const COMMON = { LOG_LEVEL: 'fatal', RATE_LIMIT_SYNC: '100000', MAX_ACTIVE_JOBS: '1000', BATCH_POLL_INTERVAL: '1' };
/** As compose.yaml has them. */
const API = { ROLE: 'api', SHUTDOWN_DELAY: '5', SHUTDOWN_GRACE: '310', TRUST_PROXY: '127.0.0.1' };

export class Fleet {
  apis = [];

  constructor(stage, settings = {}) {
    this.stage = stage;
    this.settings = settings;
  }

  async start() {
    this.ports = [await freePort(), await freePort()];
    for (const index of [0, 1]) await this.startApi(index);
    this.worker = await this.stage.startService({ ...COMMON, ROLE: 'worker' });
    await ready(this.worker);
  }

  async startApi(index) {
    const port = this.ports[index];
    const service = await this.stage.startService({ ...COMMON, ...API, ...this.settings, PORT: String(port) });
    this.apis[index] = { ...service, port, origin: `http://127.0.0.1:${port}` };
    await ready(this.apis[index]);
  }

  /** One after the other: told to end, waited for, started, waited for. Resolves with the longest end in seconds. */
  async rollingRestart() {
    let longest = 0;
    for (const index of [0, 1]) {
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

  async killApi(index) {
    const { child } = this.apis[index];
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
