// Clients that go on sending while servers are restarted: single lots, batches of one small and one large body, statuses,
// and a status that is waited for.
import { pause } from '../prove/stage.mjs';
import { requestBody } from './client.mjs';

const ENDED = ['completed', 'failed', 'cancelled'];
/** A large body, so that it is streamed through nginx: more than 1 MB. */
const LARGE = { mode: 'batch', count: 300, padding: 4000 };

export class Load {
  tallies = new Map();
  handedOver = [];
  slowest = 0;
  synchronous = 0;
  stopped = false;
  batches = 0;

  /** `due`: which statuses a single lot may be answered with. */
  constructor(client, photos, name, { clients = 3, due = [200] } = {}) {
    this.client = client;
    this.photos = photos;
    this.name = name;
    this.clients = clients;
    this.due = due;
  }

  start(jobId) {
    const one = (which) => async (n) => {
      const answer = await this.client.generate(requestBody(this.photos, `${this.name}-${which}-${n}`));
      if (answer.status === 200) this.synchronous++;
      if (answer.status === 202) this.handedOver.push(answer.body.job_id);
      this.count('a lot at once', answer, this.due);
    };
    const status = async (headers) => {
      const answer = await this.client.send(`/api/v1/batch-status/${jobId}`, { headers });
      this.count('status', answer, [200, 304]);
      return answer;
    };
    let etag = '';
    this.running = Promise.all([
      ...Array.from({ length: this.clients }, (_, which) => this.loop(50, one(which))),
      this.loop(100, () => status({})),
      this.loop(100, async () => {
        const answer = await status({ Prefer: 'wait=25', 'If-None-Match': etag });
        etag = answer.headers.etag ?? etag;
      }),
      this.loop(3000, async (n) => {
        const answer = await this.client.generate(requestBody(this.photos, `${this.name}-large-${n}`, LARGE));
        this.count('a batch of 1.3 MB', answer, [201]);
        const path = `/api/v1/batch-jobs/${answer.body.job_id}/cancel`;
        if (answer.status === 201) this.count('cancel', await this.client.send(path, { method: 'POST' }), [200]);
      }),
    ]);
  }

  async stop() {
    this.stopped = true;
    await this.running;
  }

  /** How many of the lots that were answered 202 do not end well within two minutes. */
  async lost() {
    let lost = 0;
    for (const id of this.handedOver) {
      for (let tries = 0; ; tries++) {
        const { body } = await this.client.send(`/api/v1/batch-status/${id}`);
        if (body.status === 'completed') break;
        if (ENDED.includes(body.status) || tries > 240) {
          lost++;
          break;
        }
        await pause(500);
      }
    }
    return lost;
  }

  async loop(ms, send) {
    for (let n = 0; !this.stopped; n++) {
      await send(n);
      await pause(ms);
    }
  }

  count(what, { status, seconds, body }, wanted) {
    const name = wanted.includes(status) ? `${what} ${status}` : `${what} ${status} ${body.code ?? ''} (not wanted)`;
    this.tallies.set(name, (this.tallies.get(name) ?? 0) + 1);
    if (what !== 'status') this.slowest = Math.max(this.slowest, seconds);
  }

  get unwanted() {
    return [...this.tallies].filter(([name]) => name.includes('not wanted')).reduce((sum, [, count]) => sum + count, 0);
  }

  inWords() {
    const counts = [...this.tallies]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `${count} × ${name}`);
    return `${counts.join(', ')}; slowest ${this.slowest} s`;
  }
}
