import { setTimeout as wait } from 'node:timers/promises';
import { endJobWith, untilSettled } from './seed.mjs';

const RECEIVERS = 50;
const REPLICAS = 3;
const LOTS_PER_JOB = 200;
const SETTINGS = {
  // Short, so that what a dead worker held is sent again within the run.
  WEBHOOK_TIMEOUT: '5',
  LEASE_SECONDS: '5',
  // No delivery may reach the end of its schedule because its receiver fails now and then: that is not what this
  // proves.
  WEBHOOK_SCHEDULE: Array.from({ length: 40 }, (_, i) => (i === 0 ? 0 : 0.5)).join(','),
};

/** The outcome of an attempt whose request was sent and whose answer was never received. */
const UNHEARD = new Set(['no answer came in time', 'the connection broke']);
/** Requests begin in the first half of their lease, so the next attempt after a lease that ran out begins this much later at least. */
const HALF_LEASE_MS = 500 * Math.max(Number(SETTINGS.LEASE_SECONDS), 2.5 * Number(SETTINGS.WEBHOOK_TIMEOUT));

/**
 * Three workers. Again and again one of them is killed and started again, while jobs end and receivers fail now and
 * then.
 */
export async function proveKills(ground, { kills, deliveries }) {
  const receivers = await ground.startReceivers(Array.from({ length: RECEIVERS }, () => 'flaky'));
  const started = performance.now();
  let done = false;
  let killed = 0;
  const replica = async () => {
    while (!done) {
      const worker = ground.startWorker(SETTINGS);
      await worker.ready;
      // The kill may come at any moment: right after the first claim, in the middle of a write, or during a wait.
      await wait(50 + Math.random() * 900);
      if (killed >= kills) return;
      killed += 1;
      await worker.kill();
    }
  };
  // Jobs end for as long as workers are killed.
  const endJobs = async () => {
    const jobs = Math.ceil(deliveries / LOTS_PER_JOB);
    for (let job = 0; job < jobs && !done; job++) {
      while (killed < (job / jobs) * kills && !done) await wait(20);
      await endJobWith(ground, receivers.urls, Math.min(LOTS_PER_JOB, deliveries - job * LOTS_PER_JOB));
    }
  };
  try {
    await Promise.all([endJobs(), ...Array.from({ length: REPLICAS }, replica)]);
  } catch (error) {
    done = true;
    throw error;
  }
  await untilSettled(ground);
  done = true;
  const seconds = (performance.now() - started) / 1000;
  const result = judge(
    await receivers.requests(),
    await ground.query('select id, status from webhook_deliveries'),
    await ground.query(
      `select delivery_id as id, attempt, outcome, error,
         lead(started_at) over (partition by delivery_id order by attempt) - started_at > $1 * interval '1 ms' as outlived
       from webhook_attempts`,
      [HALF_LEASE_MS],
    ),
    deliveries,
  );
  receivers.stop();
  return { ...result, facts: { kills: killed, seconds: seconds.toFixed(0), ...result.facts } };
}

/** Compares what the receivers saw with what the tables say. */
function judge(requests, deliveries, attempts, expected) {
  const ok = (status) => status === 204;
  const key = (id, attempt) => `${id} ${attempt}`;
  const rows = new Map(attempts.map(({ id, attempt, outcome }) => [key(id, attempt), outcome]));
  const seen = new Map(requests.map(({ id, attempt, status }) => [key(id, attempt), status]));
  const received = count(requests.filter(({ status }) => ok(status)).map(({ id }) => id));
  const killed = attempts.filter(({ outcome }) => outcome === 'unknown');
  // On a busy machine an answer may miss its deadline: the receiver has answered 2xx, but the worker did not wait for
  // it.
  const unheard = attempts.filter(({ error }) => UNHEARD.has(error));
  // Where a worker gets no processor for seconds, it writes an outcome when its lease is over and another has sent once more.
  const outlived = attempts.filter((attempt) => attempt.outcome === 'delivered' && attempt.outlived);
  const open = count([...killed, ...unheard, ...outlived].map(({ id }) => id));
  const delivered = deliveries.filter(({ status }) => status === 'delivered');
  const extra = (id) => (received.get(id) ?? 0) - 1;
  const duplicates = deliveries.reduce((sum, { id }) => sum + Math.max(0, extra(id)), 0);
  return {
    facts: {
      deliveries: deliveries.length,
      'requests seen': requests.length,
      'attempt rows': attempts.length,
      'outcomes unknown (claimed at a kill)': killed.length,
      'answers that came too late to be heard': unheard.length,
      'outcomes written after their lease': outlived.length,
      duplicates,
    },
    claims: {
      'every delivery was made': deliveries.length === expected,
      'none is lost: each is delivered': delivered.length === expected,
      'none is reported delivered without a 2xx': delivered.every(({ id }) => (received.get(id) ?? 0) > 0),
      'no attempt is reported delivered without a 2xx': attempts.every(
        ({ id, attempt, outcome }) => outcome !== 'delivered' || ok(seen.get(key(id, attempt))),
      ),
      'none is untraced: each request seen has its row': requests.every(({ id, attempt }) =>
        rows.has(key(id, attempt)),
      ),
      'no attempt was sent twice': seen.size === requests.length,
      'a delivery comes once more only where a kill, a late answer or a lease that ran out left its outcome open':
        deliveries.every(({ id }) => extra(id) <= (open.get(id) ?? 0)),
      'every request was signed': requests.every(({ verified }) => verified),
    },
  };
}

function count(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
