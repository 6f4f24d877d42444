import { readFileSync } from 'node:fs';
import { endJobWith, untilSettled } from './seed.mjs';

const LANGUAGES = ['en', 'de', 'ru', 'uk'];
/** A job five times as large may take this much more memory: two runs of the same size differ as much. */
const MOST_GROWTH = 1.25;

/** One receiver and a job of 10,000 and then of 50,000 lots in four languages, each with a worker of its own. */
export async function proveLarge(ground, { lots }) {
  const small = await sent(ground, lots / 5);
  const large = await sent(ground, lots);
  return {
    facts: { [`${lots / 5} lots`]: shown(small), [`${lots} lots`]: shown(large) },
    claims: {
      'every lot came exactly once, in parts that are complete': large.complete && small.complete,
      [`memory is flat: the large job's peak is at most ${MOST_GROWTH} of the small one's`]:
        large.peak <= MOST_GROWTH * small.peak,
    },
  };
}

function shown({ seconds, megabytes, parts, idle, peak }) {
  return `${megabytes} MB in ${parts} parts in ${seconds.toFixed(1)} s; RSS ${idle} MB idle, ${peak} MB at most`;
}

async function sent(ground, lots) {
  await ground.query('truncate webhook_deliveries, webhook_attempts, webhook_endpoints');
  const receivers = await ground.startReceivers(['well']);
  const worker = ground.startWorker({});
  await worker.ready;
  const idle = memory(worker.pid, 'VmRSS');
  const started = performance.now();
  const texts = { languages: LANGUAGES, html: `<p>${'вмятина на двери '.repeat(18)}</p>`, partLots: 500 };
  const ended = await endJobWith(ground, receivers.urls, lots, texts);
  await untilSettled(ground);
  const seconds = (performance.now() - Math.max(started, ended)) / 1000;
  const requests = await receivers.requests();
  const peak = memory(worker.pid, 'VmHWM');
  await worker.kill();
  receivers.stop();
  return {
    seconds,
    idle,
    peak,
    parts: requests.length,
    megabytes: Math.round(requests.reduce((sum, { bytes }) => sum + bytes, 0) / 1024 / 1024),
    complete: isComplete(requests, lots),
  };
}

/** Each part once, all of them, and together every lot in its place. */
function isComplete(requests, lots) {
  const parts = requests.toSorted((a, b) => a.part.number - b.part.number);
  let next = 0;
  for (const [index, { part, names }] of parts.entries()) {
    if (part.number !== index + 1 || part.of !== parts.length) return false;
    for (const name of names) if (name !== `lot-${next++}`) return false;
  }
  return next === lots;
}

/** Megabytes, as Linux counts them. */
function memory(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}
