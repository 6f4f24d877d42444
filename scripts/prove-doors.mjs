// npm run prove:doors [-- --lots N --images N --only TEXT --times 1,10]: what can be sent without a key, and whether
// clients are still served meanwhile.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ATTACKS } from './prove-doors/attacks.mjs';
import { lotsText, sendBatch, watchHealth } from './prove-doors/client.mjs';
import { stopAtSignal } from './prove/at-signal.mjs';
import { processFigures, ready, setStage } from './prove/stage.mjs';
import { askLoop } from './start-command.mjs';

const { values } = parseArgs({
  options: {
    lots: { type: 'string', default: '50000' },
    images: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    times: { type: 'string', default: '1,10' },
  },
});

const SECRET = randomBytes(32).toString('hex');
const KNOWN = '127.9.9.9';
const MOST_CONNECTIONS = 5000;
const MOST_MEMORY_MB = 150;
const MOST_HEALTH_MS = 1000;
const NEW_WITHIN_SECONDS = 300;
/** How long an attack runs before a client connects. */
const BEFORE_MS = 3000;

let strangers = 0;

/** Each attack runs on a new service, so that one does not affect the next. */
async function prove(stage, lots, { name, count, many }) {
  const service = await stage.startService({
    ROLE: 'api',
    SHARED_KEY: SECRET,
    RATE_LIMIT_BATCH: '1000000',
    MAX_ACTIVE_JOBS: '1000000',
  });
  const attacker = fork(new URL('./prove-doors/attacker.mjs', import.meta.url));
  try {
    await ready(service);
    const batch = (options) => sendBatch({ port: service.port, secret: SECRET, lots, seconds: 300, ...options });
    // Loads the code that an upload needs, so that its memory is not counted for an attack, and makes the address
    // known.
    for (const scheme of [1, 2]) await batch({ scheme, address: KNOWN });
    await wait(1000);
    const idleMb = (await processFigures(service.child.pid)).residentMb;
    const before = await processFigures(service.child.pid);
    await askLoop(service.child, 'reset');
    const memory = watchMemory(service.child.pid);
    const health = watchHealth(service.port);
    attacker.send({ start: { port: service.port, name, count, many } });
    await wait(BEFORE_MS);
    const known = [await batch({ scheme: 1, address: KNOWN }), await batch({ scheme: 2, address: KNOWN })];
    const stranger = () => `127.8.${1 + ((strangers += 1) >> 7)}.${1 + (strangers & 127)}`;
    const fresh = await Promise.all([1, 2].map((scheme) => batch({ scheme, address: stranger() })));
    const { worstMs, failed } = health.stop();
    const peakMb = memory.stop();
    const loop = await askLoop(service.child, 'read');
    const { cpuSeconds } = await processFigures(service.child.pid);
    attacker.send({});
    const [{ told }] = await once(attacker, 'message');
    const seconds = (runs) => runs.map((run) => (run.accepted ? run.seconds.toFixed(1) : 'never')).join(' ');
    const right =
      service.child.exitCode === null &&
      peakMb - idleMb <= MOST_MEMORY_MB &&
      worstMs <= MOST_HEALTH_MS &&
      failed === 0 &&
      known.every((run) => run.accepted && run.tries === 1) &&
      fresh.every((run) => run.accepted && run.seconds <= NEW_WITHIN_SECONDS);
    return {
      attack: `${count} × ${name}, ${many ? 'many addresses' : 'one address'}`,
      'MB above idle': peakMb - idleMb,
      'health ms': failed > 0 ? `${worstMs}, ${failed} failed` : worstMs,
      'loop held ms': loop.maxMs,
      'processor s': Number((cpuSeconds - before.cpuSeconds).toFixed(1)),
      'known s': seconds(known),
      'new s': seconds(fresh),
      tries: [...known, ...fresh].map((run) => run.tries).join(' '),
      answers: Object.entries(told.answers)
        .map(([status, times]) => `${status}×${times}`)
        .join(' '),
      proven: right,
    };
  } finally {
    attacker.kill('SIGKILL');
    service.child.kill('SIGTERM');
    await once(service.child, 'exit');
  }
}

function watchMemory(pid) {
  let peak = 0;
  const timer = setInterval(() => {
    processFigures(pid).then(
      ({ residentMb }) => (peak = Math.max(peak, residentMb)),
      () => {},
    );
  }, 100);
  return { stop: () => (clearInterval(timer), peak) };
}

const stage = await setStage();
const stop = stopAtSignal(() => stage.stop());
const rows = [];
try {
  const lots = lotsText(Number(values.lots), Number(values.images));
  for (const [name, { count }] of Object.entries(ATTACKS)) {
    if (!name.includes(values.only)) continue;
    for (const times of values.times.split(',').map(Number)) {
      for (const many of [false, true]) {
        const row = await prove(stage, lots, { name, count: Math.min(MOST_CONNECTIONS, count * times), many });
        rows.push(row);
        console.log(JSON.stringify(row));
        await stage.pool.query('truncate batch_jobs, batch_lots, batch_lot_inputs, openai_batches, request_keys');
      }
    }
  }
} finally {
  await stop();
}
console.table(rows);
const proven = rows.every((row) => row.proven);
console.log(`${values.lots} lots a batch; ${proven ? 'PROVEN' : 'NOT PROVEN'}`);
process.exit(proven ? 0 : 1);
