// Clients that follow one job over all replicas, each look at another one, and notice whatever goes backwards.
import { request } from 'undici';
import { pause } from '../prove/stage.mjs';
import { sign } from '../sign.mjs';

const RANK = { pending: 0, processing: 1, translating: 1, completed: 2, failed: 2, cancelled: 2 };
const LAST_RANK = 2;

/** What must never fall from one status to the next. */
function figuresOf({ status, progress, updated_at: updated }) {
  return {
    rank: RANK[status],
    processed: progress.processed_lots,
    failed: progress.failed_lots,
    percentage: progress.completion_percentage,
    work: progress.work_percentage,
    updated: Date.parse(updated),
  };
}

export class Follower {
  looks = 0;
  changes = 0;
  /** Answers of 304 to the tag of another replica. */
  knownElsewhere = 0;
  replicas = new Set();
  backwards = [];
  figures;

  constructor(client, jobId) {
    this.client = client;
    this.jobId = jobId;
  }

  see(status, from) {
    const figures = figuresOf(status);
    for (const [name, value] of Object.entries(this.figures ?? {})) {
      if (figures[name] < value) this.backwards.push(`${name} ${value} → ${figures[name]} at ${from}`);
    }
    if (JSON.stringify(figures) !== JSON.stringify(this.figures)) this.changes++;
    this.figures = figures;
    return figures.rank === LAST_RANK;
  }

  /** Asks until the job has ended, by the tag of the answer before. */
  async askStatus() {
    const path = `/api/v1/batch-status/${this.jobId}`;
    let etag = '';
    let taggedBy;
    for (let ended = false; !ended; await pause(50)) {
      const { status, headers, body } = await this.client.send(path, { headers: { 'If-None-Match': etag } });
      const from = headers['x-served-by'];
      this.looks++;
      this.replicas.add(from);
      if (status === 304) {
        if (from !== taggedBy) this.knownElsewhere++;
        continue;
      }
      if (status !== 200) throw new Error(`a status was answered with ${status}`);
      etag = headers.etag;
      taggedBy = from;
      ended = this.see(body, from);
    }
    return this;
  }

  /** Reads one or two events, hangs up, and goes on at the next replica from the last event's id, until the end. */
  async readEvents() {
    let last;
    for (;;) {
      const stream = await openStream(this.client, this.jobId, last);
      this.looks++;
      this.replicas.add(stream.from);
      if (stream.status === 204) return this;
      if (stream.status !== 200) throw new Error(`a stream was answered with ${stream.status}`);
      let taken = 0;
      for await (const { id, kind, data } of stream.events) {
        if (kind === 'progress' && id === last) this.backwards.push(`event ${id} came again at ${stream.from}`);
        if (last !== undefined && versionOf(id) < versionOf(last))
          this.backwards.push(`event ${last} → ${id} at ${stream.from}`);
        last = id;
        this.see(data, stream.from);
        if (kind === 'end') return this;
        if (++taken > 1) break;
      }
      stream.hangUp();
    }
  }
}

function versionOf(id) {
  return Number(id.split('-', 1)[0]);
}

/** An event stream through the proxy; `from` is the replica that answers. */
export async function openStream(client, jobId, lastEventId) {
  const path = `/api/v1/batch-jobs/${jobId}/events`;
  const hangUp = new AbortController();
  const answer = await request(client.origin + path, {
    headers: { ...sign(client.secret, 'GET', path), ...(lastEventId && { 'Last-Event-ID': lastEventId }) },
    dispatcher: client.agent,
    signal: hangUp.signal,
  });
  answer.body.on('error', () => {});
  return {
    status: answer.statusCode,
    from: String(answer.headers['x-served-by']),
    events: eventsIn(answer.body),
    body: answer.body,
    hangUp: () => hangUp.abort(),
  };
}

async function* eventsIn(body) {
  let rest = '';
  for await (const chunk of body) {
    const blocks = (rest + chunk.toString()).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const field = (name) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
      if (field('id') !== undefined) yield { id: field('id'), kind: field('event'), data: JSON.parse(field('data')) };
    }
  }
}
