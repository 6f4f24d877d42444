import { endJobWith, untilSettled } from './seed.mjs';

const HEALTHY = 20;
const SETTINGS = { WEBHOOK_TIMEOUT: '10' };
/** How much longer the healthy receivers may take beside one that hangs. */
const MULTIPLE = 3;

/**
 * One worker and twenty healthy receivers: first these alone, then together with one that never answers and has as many
 * deliveries due.
 */
export async function proveHanging(ground, { deliveries }) {
  const alone = await timed(ground, deliveries, false);
  const beside = await timed(ground, deliveries, true);
  return {
    facts: {
      'without the hanging receiver': `${alone.seconds.toFixed(1)} s (${Math.round(deliveries / alone.seconds)}/s)`,
      'beside it': `${beside.seconds.toFixed(1)} s (${Math.round(deliveries / beside.seconds)}/s)`,
      'requests that the hanging one got': beside.hung,
    },
    claims: {
      [`the healthy are done within ${MULTIPLE} times the time`]: beside.seconds <= MULTIPLE * alone.seconds,
      'what is due to the hanging one still waits': beside.waiting === deliveries,
    },
  };
}

async function timed(ground, deliveries, hanging) {
  await ground.query('truncate webhook_deliveries, webhook_attempts, webhook_endpoints');
  const receivers = await ground.startReceivers([
    ...Array.from({ length: HEALTHY }, () => 'well'),
    ...(hanging ? ['hanging'] : []),
  ]);
  const [stuck] = receivers.urls.slice(HEALTHY);
  if (stuck !== undefined) await endJobWith(ground, [stuck], deliveries);
  await endJobWith(ground, receivers.urls.slice(0, HEALTHY), deliveries);
  await ground.query(`update webhook_deliveries set next_attempt_at = 'infinity'`);
  await ground.query('vacuum analyze');
  const worker = ground.startWorker(SETTINGS);
  await worker.ready;
  const started = performance.now();
  await ground.query('update webhook_deliveries set next_attempt_at = now()');
  await untilSettled(ground, `url <> '${stuck ?? ''}'`);
  const seconds = (performance.now() - started) / 1000;
  const [{ waiting }] = await ground.query(
    `select count(*)::int as waiting from webhook_deliveries where status in ('pending', 'in_flight')`,
  );
  const hung = (await receivers.requests()).filter(({ status }) => status === 0).length;
  await worker.kill();
  receivers.stop();
  return { seconds, waiting, hung };
}
