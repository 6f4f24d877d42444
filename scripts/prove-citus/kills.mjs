// The coordinator is killed again and again at chosen steps of what the services do, and services are killed beside it.
import { pause, jobBody, signed } from '../prove/stage.mjs';
import { countAll, untilEnded } from './counted.mjs';
import { withClient } from './cluster.mjs';
import { atPoint } from './relay.mjs';

const LANGUAGES = ['en', 'de', 'fi'];
const IMAGES = 2;
/** Every twelfth lot has no photo that can be reached. */
const BAD = 12;
const REPLICAS = 2;
/** How long a step is waited for; then the coordinator is killed wherever it is. */
const PATIENCE_MS = 10_000;
/** Longer than a lease of the proof's services, so that others take their shards over meanwhile. */
const DOUBT_SECONDS = 6;
/** How long jobs may take after the last kill: what was in doubt is settled within a minute, and leases run out. */
const END_SECONDS = 150;

/**
 * Where the coordinator is killed, by what it sends a data node. `heard`: the node still gets it, and its answer is lost.
 * In the last four the node and the coordinator come to differ.
 */
const POINTS = [
  { name: 'intake: lots on their way', pattern: /COPY public\.batch_lots_/, heard: true },
  { name: 'intake: inputs on their way', pattern: /COPY public\.batch_lot_inputs_/, heard: false },
  { name: 'photos: lots are checked', pattern: /UPDATE public\.batch_lots_\d+ .*processed_images/s, heard: true },
  { name: 'taking in: results on their way', pattern: /COPY public\.batch_results_/, heard: true },
  { name: 'taking in: lots are described', pattern: /UPDATE public\.batch_lots_\d+ .*rendered_bytes/s, heard: true },
  {
    name: 'lots are committed on the node, not at the coordinator',
    pattern: /\bCOMMIT\0/,
    after: /UPDATE/,
    heard: true,
  },
  {
    name: 'lots are prepared on the node, not committed anywhere',
    pattern: /PREPARE TRANSACTION/,
    heard: true,
    doubtSeconds: DOUBT_SECONDS,
  },
  {
    name: 'intake: committed at the coordinator, prepared on the node',
    pattern: /COMMIT PREPARED/,
    after: /COPY public\.batch_lots/,
    heard: false,
    doubtSeconds: DOUBT_SECONDS,
  },
  {
    name: 'results: committed at the coordinator, prepared on the node',
    pattern: /COMMIT PREPARED/,
    after: /COPY public\.batch_results/,
    heard: false,
    doubtSeconds: DOUBT_SECONDS,
  },
];

/** mulberry32, so that a run can be repeated. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Replicas, and the jobs that are made on them; a request whose answer is lost is repeated with its key. */
export class Fleet {
  replicas = [];
  jobs = [];
  answers = new Map();

  constructor(ground, { lots, prefix, seed = 1 }) {
    this.ground = ground;
    this.lots = lots;
    this.prefix = prefix;
    this.random = randomFrom(seed);
  }

  async start() {
    for (let index = 0; index < REPLICAS; index++) this.replicas[index] = await this.ground.startReady();
  }

  async createJob(patience = Infinity) {
    const name = `${this.prefix}${this.jobs.length}`;
    const shape = { images: IMAGES, languages: LANGUAGES, bad: BAD };
    const request = JSON.parse(jobBody(this.ground.current.photos, name, this.lots, shape));
    request.webhook_url = `${this.ground.webhooks.origin}/${name}`;
    // Every other job goes through both models.
    if (this.jobs.length % 2 === 1) request.include.push('notes');
    const body = Buffer.from(JSON.stringify(request));
    for (let tries = 0; tries < patience; tries++) {
      const { origin } = this.replicas[Math.floor(this.random() * REPLICAS)];
      const answer = await signed(origin, '/api/v1/generate-descriptions', {
        method: 'POST',
        body,
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': name },
        signal: AbortSignal.timeout(30_000),
      }).catch(() => undefined);
      const said = await answer?.json().catch(() => undefined);
      this.note('POST', answer, said);
      if (said?.job_id !== undefined) {
        this.jobs.push({ id: said.job_id, name, lots: this.lots, languages: LANGUAGES, images: IMAGES, bad: BAD });
        return said.job_id;
      }
      await pause(200);
    }
    return undefined;
  }

  async askStatus(id) {
    const { origin } = this.replicas[Math.floor(this.random() * REPLICAS)];
    const answer = await signed(origin, `/api/v1/batch-status/${id}`).catch(() => undefined);
    this.note('status', answer, await answer?.json().catch(() => undefined));
    return answer?.status;
  }

  note(what, answer, said) {
    const later = answer?.status === 503 && answer.headers.get('retry-after') === null ? ' without Retry-After' : '';
    const name = `${what} ${answer?.status ?? 'no answer'}${answer?.status >= 500 ? ` ${said?.code}` : ''}${later}`;
    this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
  }

  answersInWords() {
    return [...this.answers].map(([name, count]) => `${count} × ${name}`).join(', ');
  }

  get ids() {
    return this.jobs.map(({ id }) => id);
  }

  async unfinished() {
    const { rows } = await this.query(
      `select count(*)::int as n from batch_jobs where id = any($1::uuid[]) and status in ('pending', 'processing', 'translating')`,
      [this.ids],
    );
    return rows[0].n;
  }

  query = async (text, values) => {
    for (let tries = 0; ; tries++) {
      try {
        return await this.ground.current.pool.query(text, values);
      } catch (error) {
        if (tries > 100) throw error;
        await pause(200);
      }
    }
  };

  /** A replica that found no database at its start has ended; an operator would start it again. */
  async startTheEnded() {
    for (const [index, { child }] of this.replicas.entries()) {
      if (child.exitCode !== null || child.signalCode !== null) this.replicas[index] = await this.ground.start();
    }
  }

  async killOne() {
    const index = Math.floor(this.random() * REPLICAS);
    this.replicas[index].child.kill('SIGKILL');
    this.replicas[index] = await this.ground.start();
  }

  /** @returns whether all is right at the end, and how it went in words */
  async settle() {
    await this.startTheEnded();
    const waiting = setInterval(() => void this.startTheEnded(), 2000);
    const seconds = await untilEnded(this.query, this.ids, END_SECONDS);
    clearInterval(waiting);
    const { figures, right } = await countAll(this.ground, this.replicas[0].origin, this.jobs);
    return { right, seconds, figures };
  }

  stop() {
    for (const { child } of this.replicas) child.kill('SIGKILL');
  }
}

/** Kills services alone. */
export async function killServices(ground, { kills, lots, seed }) {
  const fleet = new Fleet(ground, { lots, prefix: 'k', seed });
  await fleet.start();
  await fleet.createJob();
  for (let count = 0; count < kills; count++) {
    if ((await fleet.unfinished()) < 2) await fleet.createJob();
    await pause(300 + fleet.random() * 900);
    await fleet.killOne();
  }
  const end = await fleet.settle();
  fleet.stop();
  return end;
}

/**
 * Kills the coordinator, each time at the next of the points. What it left in doubt is settled by this proof alone, some seconds
 * later, as it may be where a data node is away too: meanwhile services work on, and must take nothing for final that is not.
 * @returns at which points how often, besides the end
 */
export async function killCoordinator(ground, server, { kills, lots, seed }) {
  const url = ground.current.databaseUrl;
  const fleet = new Fleet(ground, { lots, prefix: 'c', seed });
  await settleByItself(url, false);
  await fleet.start();
  const reached = new Map();
  let making = Promise.resolve();
  let inDoubt = 0;
  const begun = performance.now();
  for (let count = 0; count < kills; count++) {
    const point = POINTS[count % POINTS.length];
    // A job is made meanwhile, so that every point comes; the answer of the one before was waited for.
    await making;
    const coming = atPoint(ground.relays, point, PATIENCE_MS);
    making = fleet.createJob();
    const came = await coming;
    await server.kill();
    await server.start();
    const name = came ? point.name : 'anywhere';
    reached.set(name, (reached.get(name) ?? 0) + 1);
    await fleet.startTheEnded();
    if (came && point.doubtSeconds !== undefined) await pause(point.doubtSeconds * 1000);
    inDoubt += await settle(url);
  }
  await making;
  await settleByItself(url, true);
  const killing = (performance.now() - begun) / 1000;
  const end = await fleet.settle();
  fleet.stop();
  return { ...end, killing, reached, inDoubt, answers: fleet.answersInWords() };
}

/** Whether Citus' own daemon settles what is in doubt, soon and then every minute. */
async function settleByItself(url, itself) {
  await withClient(url, async (client) => {
    await client.query(`alter system ${itself ? 'reset' : 'set'} citus.recover_2pc_interval ${itself ? '' : '= -1'}`);
    await client.query('select pg_reload_conf()');
  });
  if (itself) await settle(url);
}

/** @returns how many transactions were in doubt */
async function settle(url) {
  return withClient(url, async (client) => {
    const { rows } = await client.query('select recover_prepared_transactions() as settled');
    return rows[0].settled;
  });
}
