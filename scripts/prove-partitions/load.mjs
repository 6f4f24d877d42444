// Clients of a service that runs: single lots answered at once, small batches, statuses, lists and downloads, all the time.
import { createHash } from 'node:crypto';
import { pause, signed } from '../prove/stage.mjs';

const GENERATE = '/api/v1/generate-descriptions';

export class Load {
  static count = 0;
  requests = 0;
  failed = [];
  slowestMs = 0;
  jobs = 0;
  lots = 0;
  downloads = 0;
  stopped = false;

  /** @param known - ended jobs with the hash of their downloaded results, which must stay the same */
  constructor(origin, photos, known) {
    this.origin = origin;
    this.photos = photos;
    this.known = known;
    this.name = `load${Load.count++}`;
  }

  start() {
    this.running = Promise.all([
      this.loop(50, (n) => this.lot(`a${n}`)),
      this.loop(50, (n) => this.lot(`b${n}`)),
      this.loop(500, (n) => this.batch(`c${n}`)),
      this.loop(60, () => this.request('/api/v1/batch-jobs?limit=20', 'GET', [200])),
      this.loop(60, (n) => this.status(n)),
      this.loop(60, (n) => this.download(n)),
    ]);
  }

  async stop() {
    this.stopped = true;
    await this.running;
  }

  lot(name) {
    return this.create(name, 'sync', 1, [200]);
  }

  batch(name) {
    return this.create(name, 'batch', 10, [201]);
  }

  async create(name, mode, count, wanted) {
    const lots = Array.from({ length: count }, (_, index) => ({
      lot_id: `${this.name}-${name}-${index}`,
      additional_info: 'A car',
      images: [{ url: `${this.photos.origin}/photo/${this.name}-${name}-${index}/0.jpg` }],
    }));
    const body = Buffer.from(JSON.stringify({ version: '1.0.0', mode, languages: ['en', 'de'], lots }));
    const { status } = await this.request(GENERATE, 'POST', wanted, body);
    if (wanted.includes(status)) {
      this.jobs++;
      this.lots += count;
    }
  }

  async status(n) {
    const id = this.anyOf(n);
    if (id !== undefined) await this.request(`/api/v1/batch-status/${id}`, 'GET', [200]);
  }

  async download(n) {
    const id = this.anyOf(n);
    if (id === undefined) return;
    const { status, text } = await this.request(`/api/v1/batch-results/${id}`, 'GET', [200]);
    if (status !== 200) return;
    this.downloads++;
    if (hashOf(text) !== this.known.get(id)) this.failed.push(`the results of ${id} are others`);
  }

  anyOf(n) {
    const ids = [...this.known.keys()];
    return ids[n % ids.length];
  }

  async request(path, method, wanted, body) {
    const started = performance.now();
    this.requests++;
    try {
      const headers = {
        Accept: 'application/x-ndjson, application/json',
        ...(body && { 'Content-Type': 'application/json' }),
      };
      const answer = await signed(this.origin, path, { method, body, headers });
      const text = await answer.text();
      if (!wanted.includes(answer.status))
        this.failed.push(`${method} ${path}: ${answer.status} ${text.slice(0, 200)}`);
      return { status: answer.status, text };
    } catch (error) {
      this.failed.push(`${method} ${path}: ${error.cause?.code ?? error.message}`);
      return { status: 0, text: '' };
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - started);
    }
  }

  async loop(ms, send) {
    for (let n = 0; !this.stopped; n++) {
      await send(n);
      await pause(ms);
    }
  }

  inWords() {
    return `${this.requests} requests (${this.jobs} jobs of ${this.lots} lots, ${this.downloads} downloads), ${this.failed.length} failed, slowest ${Math.round(this.slowestMs)} ms`;
  }
}

export function hashOf(text) {
  return createHash('sha256').update(text).digest('hex');
}
