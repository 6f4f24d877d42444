// npm run prove:deploy [-- --restarts N --seconds N --lots N]: nginx with deploy/nginx.conf in front of two api and a
// worker. It takes about eight minutes, because an answer of 290 s is waited for.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { checkNginx } from './prove-deploy/behind.mjs';
import { Client, requestBody } from './prove-deploy/client.mjs';
import { Fleet } from './prove-deploy/fleet.mjs';
import { Load } from './prove-deploy/load.mjs';
import { missingPackages, startNginx } from './prove-deploy/nginx.mjs';
import { stopAtSignal } from './prove/at-signal.mjs';
import { pause, processFigures, setStage } from './prove/stage.mjs';
import { Upstream } from './prove/upstream.mjs';

const { values } = parseArgs({
  options: {
    restarts: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '289' },
    lots: { type: 'string', default: '30000' },
    delay: { type: 'string', default: '5' },
  },
});
const EVENTS_WITHIN_MS = 300;

const missing = missingPackages();
if (missing.length > 0) {
  console.error(`This needs programs that are not here: apt-get install ${missing.join(' ')}`);
  process.exit(2);
}

const rows = [];
function row(what, holds, seen) {
  rows.push(holds);
  const load = loadavg()[0].toFixed(1);
  console.log(`${holds ? 'holds   ' : 'FAILS   '} ${what}: ${seen} (load ${load})`);
}

for (const { what, holds, seen } of await checkNginx()) row(what, holds, seen);

const stage = await setStage();
const upstream = new Upstream(stage.openai);
const fleet = new Fleet(stage, { SHUTDOWN_DELAY: values.delay });
let nginx;
const stop = stopAtSignal(async () => {
  await nginx?.stop();
  await stage.stop();
});
try {
  await fleet.start();
  nginx = await startNginx(fleet.ports);
  const client = new Client(nginx, stage.secret);
  await largeBody(client);
  await events(client);
  const { answer } = await slowAnswer(client);
  await restarts(client);
  const { status, seconds } = await answer;
  const wanted = Number(values.seconds);
  row(
    'a long answer, its api restarted meanwhile',
    status === 200 && seconds >= wanted,
    `${status} after ${seconds} s`,
  );
  await kill(client);
  await client.close();
} finally {
  await stop();
}
const proven = rows.every(Boolean);
console.log(
  proven ? `PROVEN: all ${rows.length} hold` : `NOT PROVEN: ${rows.filter((holds) => !holds).length} do not hold`,
);
process.exit(proven ? 0 : 1);

async function largeBody(client) {
  const body = requestBody(stage.photos, 'large', { mode: 'batch', count: Number(values.lots), padding: 4000 });
  const since = Date.now();
  const { status, body: job, seconds } = await client.generate(body);
  const wrote = await nginx.wroteBodies(since);
  const peakMb = await nginx.peakMb();
  const apis = await Promise.all(fleet.apis.map(({ child }) => processFigures(child.pid)));
  const megabytes = (body.length / 1e6).toFixed(0);
  row(
    'a large body, nothing of it on nginx’s disk',
    status === 201 && !wrote,
    `${megabytes} MB, ${values.lots} lots: ${status} after ${seconds} s; nginx ${wrote ? 'wrote' : 'wrote nothing'}, ` +
      `${peakMb} MB; api at most ${Math.max(...apis.map((api) => api.peakMb))} MB`,
  );
  await client.send(`/api/v1/batch-jobs/${job.job_id}/cancel`, { method: 'POST' });
}

/** The same stream through nginx and from an api itself: how much later each event is. */
async function events(client) {
  const { body: job } = await client.generate(requestBody(stage.photos, 'events', { mode: 'batch', count: 40 }));
  const through = new Map();
  const direct = new Map();
  const beside = new Client({ ca: '', origin: fleet.apis[0].origin }, stage.secret);
  await Promise.all([
    client.events(job.job_id, (id, at) => through.set(id, at)),
    beside.events(job.job_id, (id, at) => direct.set(id, at)),
  ]);
  await beside.close();
  const both = [...through].filter(([id]) => direct.has(id));
  const spread = Math.max(...through.values()) - Math.min(...through.values());
  const late = Math.max(...both.map(([id, at]) => at - direct.get(id)));
  // Each api looks once a second, and not at the same moment.
  const holds = both.length >= 3 && late <= 1000 + EVENTS_WITHIN_MS && spread > 1000;
  row(
    'events come as they happen',
    holds,
    `${through.size} events over ${spread} ms, at most ${late} ms after a direct one`,
  );
}

/** Begins one, so that everything after it happens meanwhile; resolves when the model has it. */
async function slowAnswer(client) {
  await upstream.faults({ action: 'latency', ms: Number(values.seconds) * 1000, count: 1, path: '/v1/responses' });
  const answer = client.generate(requestBody(stage.photos, 'slow'));
  while (!(await upstream.isAt('POST', /responses/))) await pause(100);
  await upstream.faults({ action: 'latency', ms: 300, path: '/v1/responses' });
  return { answer };
}

async function watchedJob(client) {
  const { body } = await client.generate(
    requestBody(stage.photos, `watched-${rows.length}`, { mode: 'batch', count: 2 }),
  );
  return body.job_id;
}

async function restarts(client) {
  const load = new Load(client, stage.photos, 'rolling');
  load.start(await watchedJob(client));
  await pause(3000);
  let longest = 0;
  for (let times = 0; times < Number(values.restarts); times++)
    longest = Math.max(longest, await fleet.rollingRestart());
  await pause(2000);
  await load.stop();
  row(
    `${values.restarts} rolling restarts under load`,
    load.unwanted === 0,
    `${load.inWords()}; the slowest end took ${longest.toFixed(0)} s`,
  );
}

async function kill(client) {
  // Long enough that some of them are with the model when their api is killed.
  await upstream.clearFaults();
  await upstream.faults({ action: 'latency', ms: 2000, path: '/v1/responses' });
  const before = await upstream.directCalls();
  const load = new Load(client, stage.photos, 'killed', { clients: 8, due: [200, 202] });
  load.start(await watchedJob(client));
  await pause(5000);
  await fleet.killApi(0);
  await pause(10_000);
  await fleet.startApi(0);
  await pause(3000);
  await load.stop();
  const lost = await load.lost();
  const calls = (await upstream.directCalls()) - before;
  const described = load.synchronous + load.handedOver.length - lost;
  const answered = [...load.tallies.keys()].every((name) => !name.includes('no answer'));
  row(
    'kill -9 of an api under load: every request has an answer, every job its result',
    answered && lost === 0,
    `${load.inWords()}; of ${load.handedOver.length} handed over ${lost} were lost; ` +
      `${described} lots described by ${calls} calls of the model`,
  );
}
