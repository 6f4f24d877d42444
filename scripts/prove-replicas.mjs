// npm run prove:replicas [-- --lots N --delay N]: three api and two workers on one PostgreSQL, behind a proxy that gives each request to
// the next api. What a client sees must be the same as with one process; limits count for all of them together. About four minutes.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Client, requestBody } from './prove-deploy/client.mjs';
import { Fleet } from './prove-deploy/fleet.mjs';
import { Load } from './prove-deploy/load.mjs';
import { Follower } from './prove-replicas/follow.mjs';
import { costOf, letThrough, streamsOfAKey } from './prove-replicas/limits.mjs';
import { Proxy } from './prove-replicas/proxy.mjs';
import { stopAtSignal } from './prove/at-signal.mjs';
import { ClientRecount, readNdjson, recountBatches, recountTables } from './prove/recount.mjs';
import { jobBody, pause, setStage, signed } from './prove/stage.mjs';
import { Upstream } from './prove/upstream.mjs';

const { values } = parseArgs({
  options: { lots: { type: 'string', default: '600' }, delay: { type: 'string', default: '5' } },
});
const LOTS = Number(values.lots);
const APIS = 3;
const LIMIT = 30;
const LEASE_SECONDS = 6;
const CLIENTS_AT_THE_KILL = 8;
const BATCHES_AT_THE_KILL = 4;
const LOTS_AT_THE_KILL = 100;
const LANGUAGES = ['en', 'de'];
const ENDED = ['completed', 'failed', 'cancelled'];
const SETTINGS = { SHUTDOWN_DELAY: values.delay, RATE_LIMIT_STORE: 'postgres', LEASE_SECONDS: String(LEASE_SECONDS) };

const failures = [];
function row(what, holds, seen) {
  if (!holds) failures.push(what);
  console.log(`${holds ? 'holds   ' : 'FAILS   '} ${what}: ${seen} (load ${loadavg()[0].toFixed(1)})`);
}

// A batch takes some seconds, so that there is something to follow.
const stage = await setStage({ sandbox: { SANDBOX_BATCH_RUN_SECONDS: '8', SANDBOX_BATCH_FINALIZE_SECONDS: '1' } });
const upstream = new Upstream(stage.openai);
const fleet = new Fleet(stage, SETTINGS, {
  apis: APIS,
  workers: 2,
  ofWorkers: { LEASE_SECONDS: String(LEASE_SECONDS) },
});
let proxy;
const stop = stopAtSignal(async () => {
  proxy?.stop();
  await stage.stop();
});
try {
  await fleet.start();
  proxy = new Proxy(fleet.ports);
  await proxy.start();
  const client = new Client({ origin: proxy.origin }, stage.secret);
  await followed(client);
  await equalPosts(client);
  await cancels(client);
  await rollingRestart(client);
  await kills(client);
  await streams(client);
  await limits();
  await cost();
  await client.close();
} catch (error) {
  row('the proof itself', false, error.stack);
} finally {
  await stop();
}
console.log(failures.length === 0 ? 'holds' : `does not hold: ${failures.join('; ')}`);
process.exit(failures.length === 0 ? 0 : 1);

async function createBatch(client, name, count = LOTS) {
  const { status, body } = await client.generate(requestBody(stage.photos, name, { mode: 'batch', count }));
  if (status !== 201) throw new Error(`a batch was answered with ${status} ${body.code ?? ''}`);
  return body.job_id;
}

async function followed(client) {
  const jobId = await createBatch(client, 'followed');
  const followers = [1, 2].map(() => new Follower(client, jobId).askStatus());
  const readers = [1, 2].map(() => new Follower(client, jobId).readEvents());
  const asked = await Promise.all(followers);
  const read = await Promise.all(readers);
  const all = [...asked, ...read];
  const backwards = all.flatMap(({ backwards: seen }) => seen);
  const everywhere = (list) => new Set(list.flatMap(({ replicas }) => [...replicas])).size === APIS;
  const sum = (list, name) => list.reduce((total, one) => total + one[name], 0);
  row(
    'a batch followed over all replicas never goes backwards',
    backwards.length === 0 && all.every(({ changes }) => changes > 2) && everywhere(asked) && everywhere(read),
    `${LOTS} lots, ${sum(asked, 'looks')} looks and ${sum(read, 'looks')} streams, each at the next replica; ` +
      `${Math.min(...all.map(({ changes }) => changes))} changes at least; ${backwards.length} steps back ${backwards.slice(0, 3).join(', ')}`,
  );
  const known = sum(asked, 'knownElsewhere');
  row(
    'a tag of one replica is known to the others',
    known > 0,
    `${known} answers of 304 to the tag of another replica`,
  );
  const texts = await Promise.all(
    fleet.apis.map(async ({ origin }) => {
      const answer = await signed(origin, `/api/v1/batch-status/${jobId}`);
      return `${answer.headers.get('etag')} ${await answer.text()}`;
    }),
  );
  row('the end is the same at each replica', new Set(texts).size === 1, `${new Set(texts).size} text with its tag`);
}

/** A request that is still being taken in elsewhere is answered 409, and sent again as its client would. */
async function equalPosts(client) {
  const jobs = async () => (await stage.pool.query('select count(*)::int as n from batch_jobs')).rows[0].n;
  for (const { what, body } of [
    { what: 'a batch', body: requestBody(stage.photos, 'equal', { mode: 'batch', count: 50 }) },
    { what: 'a single lot', body: requestBody(stage.photos, 'equal-one') },
  ]) {
    const before = await jobs();
    const seen = new Map();
    const send = async () => {
      for (let tries = 0; tries < 100; tries++) {
        const answer = await client.generate(body, { 'Idempotency-Key': `equal-${before}` });
        const name = `${answer.status}${answer.body.code === undefined ? '' : ` ${answer.body.code}`}`;
        seen.set(name, (seen.get(name) ?? 0) + 1);
        if (answer.status !== 409) return answer.body.job_id;
        await pause(200);
      }
      return undefined;
    };
    const ids = new Set(await Promise.all(Array.from({ length: 9 }, send)));
    const made = (await jobs()) - before;
    const answers = [...seen].map(([name, count]) => `${count} × ${name}`).join(', ');
    const wanted = [...seen.keys()].every((name) => /^(?:20[012]|409 REQUEST_IN_PROGRESS)$/.test(name));
    row(
      `nine equal POSTs of ${what} are one job`,
      made === 1 && ids.size === 1 && wanted,
      `${answers}; ${made} job made`,
    );
  }
}

async function cancels(client) {
  const jobId = await createBatch(client, 'cancelled', 100);
  const path = `/api/v1/batch-jobs/${jobId}/cancel`;
  const answers = await Promise.all(Array.from({ length: 6 }, () => client.send(path, { method: 'POST' })));
  const good = answers.filter(({ status }) => status === 200).length;
  const late = answers.filter(({ status, body }) => status === 409 && body.code === 'JOB_NOT_CANCELLABLE');
  row(
    'of six cancels one is answered 200',
    good === 1 && late.length === 5 && late.every(({ body }) => body.status === 'cancelled'),
    answers.map(({ status }) => status).join(' '),
  );
}

async function rollingRestart(client) {
  await upstream.faults({ action: 'latency', ms: 300, path: '/v1/responses' });
  const load = new Load(client, stage.photos, 'rolling');
  load.start(await createBatch(client, 'watched'));
  await pause(2000);
  const longest = await fleet.rollingRestart();
  await pause(2000);
  await load.stop();
  row(
    'a rolling restart under load costs no request',
    load.unwanted === 0 && load.handedOver.length === 0 && proxy.gaveUp === 0,
    `${load.inWords()}; ${proxy.askedAgain} asked of another api; the slowest end took ${longest.toFixed(0)} s`,
  );
}

async function kills(client) {
  await upstream.clearFaults();
  await upstream.faults({ action: 'latency', ms: 2000, path: '/v1/responses' });
  const before = await upstream.directCalls();
  const load = new Load(client, stage.photos, 'killed', { clients: CLIENTS_AT_THE_KILL, due: [200, 202] });
  load.start(await createBatch(client, 'watched-2', 2));
  const names = Array.from({ length: BATCHES_AT_THE_KILL }, (_, index) => `at-the-kill-${index}`);
  const batches = [];
  for (const name of names) {
    const body = jobBody(stage.photos, name, LOTS_AT_THE_KILL, { images: 2, languages: LANGUAGES });
    const { body: job } = await client.generate(body);
    batches.push({ name, id: job.job_id });
  }
  await pause(4000);
  await Promise.all([fleet.killApi(0), fleet.killWorker(0)]);
  await pause(8000);
  await Promise.all([fleet.startApi(0), fleet.startWorker(0)]);
  await pause(3000);
  await load.stop();
  const lost = await load.lost();
  const calls = (await upstream.directCalls()) - before;
  const described = load.synchronous + load.handedOver.length - lost;
  // What the proxy may not send twice, because the api that died may have done it: these were in flight.
  const cut = proxy.gaveUp;
  row(
    'kill -9 of an api costs only what was in flight',
    lost === 0 && load.unwanted <= cut && cut <= CLIENTS_AT_THE_KILL + 3 && calls - described <= CLIENTS_AT_THE_KILL,
    `${load.inWords()}; ${proxy.askedAgain} asked of another api, ${cut} not repeated; ${described} lots by ${calls} calls of the model, ${lost} lost`,
  );
  let right = 0;
  let whole = 0;
  for (const { name, id } of batches) {
    for (let tries = 0; tries < 240; tries++) {
      const { body } = await client.send(`/api/v1/batch-status/${id}`);
      if (ENDED.includes(body.status)) break;
      await pause(500);
    }
    const recount = new ClientRecount(name, LOTS_AT_THE_KILL, LANGUAGES, 2);
    const download = await signed(fleet.apis[1].origin, `/api/v1/batch-results/${id}/download?format=ndjson`);
    await readNdjson(download.body, (lot) => recount.add(lot));
    const seen = recount.report();
    if (seen.completed === LOTS_AT_THE_KILL && seen.missing + seen.doubled + seen.incomplete === 0) whole++;
    if ((await recountTables(stage.pool, id)).right) right++;
  }
  const { doubled } = await recountBatches(stage.openai);
  row(
    'kill -9 of a worker: every accepted lot ends, nothing is paid twice',
    whole === batches.length && right === batches.length && doubled === 0,
    `${whole} of ${batches.length} batches of ${LOTS_AT_THE_KILL} lots whole, ${right} with right counters; ${doubled} shards with two batches`,
  );
}

async function streams(client) {
  await upstream.clearFaults();
  // It never ends by itself meanwhile: paused before anything of it began, or its streams would end.
  const jobId = await createBatch(client, 'streamed', 2);
  await client.send(`/api/v1/batch-jobs/${jobId}/pause`, { method: 'POST' });
  const { first, held, early, later, seconds } = await streamsOfAKey(client, fleet, jobId, LEASE_SECONDS);
  await client.send(`/api/v1/batch-jobs/${jobId}/cancel`, { method: 'POST' });
  row(
    'a key has ten event streams over all replicas, and those of a killed one come back when its lease is over',
    first === 10 && held > 0 && early === 0 && later === held && seconds <= LEASE_SECONDS + 3,
    `${first} of 15 opened; kill -9 took ${held}: ${early} opened at once, ${later} within ${seconds.toFixed(1)} s (lease ${LEASE_SECONDS} s)`,
  );
}

/** The same with counting in each process, to see what the setting changes. */
async function limits() {
  for (const store of ['memory', 'postgres']) {
    const keyId = `limited-${store}`;
    const keys = { SHARED_KEY: '', SHARED_KEYS: JSON.stringify({ [keyId]: stage.secret }) };
    await restartAll(() => ({ ...keys, RATE_LIMIT_STORE: store, RATE_LIMIT_POLLING: String(LIMIT) }));
    const client = new Client({ origin: proxy.origin }, stage.secret, keyId);
    const { passed, refused, told, replicas } = await letThrough(client, APIS * LIMIT + 60);
    await client.close();
    const wanted = store === 'memory' ? APIS * LIMIT : LIMIT;
    row(
      `a limit of ${LIMIT} over ${APIS} replicas, RATE_LIMIT_STORE=${store}, lets ${wanted} through`,
      passed === wanted && replicas === APIS && told && passed + refused === APIS * LIMIT + 60,
      `${passed} of ${APIS * LIMIT + 60} through, ${refused} answered 429${told ? ' with Retry-After and RateLimit' : ''}`,
    );
  }
}

/** Only shown: what counting in the database adds to a request. */
async function cost() {
  const stores = ['memory', 'postgres'];
  await restartAll((index) => ({ RATE_LIMIT_STORE: stores[index % 2], RATE_LIMIT_POLLING: '10000000' }));
  const sides = [0, 1].map((index) => {
    const api = fleet.apis[index];
    return { api, client: new Client({ origin: api.origin }, stage.secret) };
  });
  const jobId = await createBatch(sides[0].client, 'cost', 2);
  await pause(15_000);
  const [memory, postgres] = await costOf(sides, jobId);
  for (const { client } of sides) await client.close();
  const inWords = ({ ms, perSecond, processorMs }) =>
    `${ms.toFixed(2)} ms alone, ${perSecond.toFixed(0)} a second of 50 at once with ${processorMs.toFixed(2)} ms of the api’s processor each`;
  console.log(
    `shown    a status of one key, counted in memory: ${inWords(memory)}; in the database: ${inWords(postgres)} (load ${loadavg()[0].toFixed(1)})`,
  );
}

async function restartAll(settingsOf) {
  for (let index = 0; index < APIS; index++) {
    await fleet.killApi(index);
    await fleet.startApi(index, settingsOf(index));
  }
  while (!proxy.apis.every(({ ready }) => ready)) await pause(100);
}
