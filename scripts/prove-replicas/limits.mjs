// Limits over three replicas: how many requests of a key get through, how many streams, and what counting in the database costs.
import { pause, processFigures } from '../prove/stage.mjs';
import { openStream } from './follow.mjs';

const STREAMS = 10;

/** `requests` looks at a job that does not exist, all at once: 404 where they are let through. */
export async function letThrough(client, requests) {
  const path = '/api/v1/batch-status/0190163d-8694-739b-aea5-966c26f8ad90';
  const answers = await Promise.all(Array.from({ length: requests }, () => client.send(path)));
  const statuses = answers.map(({ status }) => status);
  const refused = answers.filter(({ status }) => status === 429);
  const told = refused.every(({ headers }) => Number(headers['retry-after']) > 0 && headers.ratelimit?.includes('r=0'));
  return {
    passed: statuses.filter((status) => status === 404).length,
    refused: refused.length,
    told,
    replicas: new Set(answers.map(({ headers }) => headers['x-served-by'])).size,
  };
}

/** Opens streams until the key has no more; `lease` is LEASE_SECONDS. Kills one api, and waits for its places. */
export async function streamsOfAKey(client, fleet, jobId, lease) {
  const open = [];
  const tryMany = async (wanted) => {
    const streams = await Promise.all(Array.from({ length: wanted }, () => openStream(client, jobId)));
    const got = streams.filter(({ status }) => status === 200);
    open.push(...got);
    for (const { status, body } of streams) if (status !== 200) await body.dump();
    return got.length;
  };
  const first = await tryMany(STREAMS + 5);
  const victim = open[0].from;
  const held = open.filter(({ from }) => from === victim).length;
  await fleet.killApi(Number(victim));
  const killed = performance.now();
  const early = await tryMany(STREAMS);
  let later = 0;
  let seconds = 0;
  while (later < held && seconds < 3 * lease) {
    await pause(500);
    later += await tryMany(STREAMS);
    seconds = (performance.now() - killed) / 1000;
  }
  for (const { hangUp } of open) hangUp();
  await fleet.startApi(Number(victim));
  return { first, held, early, later, seconds };
}

/**
 * Milliseconds of a request one after the other, requests a second of fifty at once, and milliseconds of the api's processor for each of
 * these; lower medians of some rounds. `sides` are a client and the api that it asks.
 */
export async function costOf(sides, jobId, { rounds = 5, alone = 200, together = 1500, atOnce = 50 } = {}) {
  const path = `/api/v1/batch-status/${jobId}`;
  const look = async (client) => {
    const { status, seconds } = await client.send(path);
    if (status !== 200) throw new Error(`a status was answered with ${status}`);
    return seconds;
  };
  const figures = sides.map(() => ({ ms: [], perSecond: [], processorMs: [] }));
  for (const { client } of sides) for (let n = 0; n < alone; n++) await look(client);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { client, api }] of sides.entries()) {
      let started = performance.now();
      for (let n = 0; n < alone; n++) await look(client);
      figures[index].ms.push((performance.now() - started) / alone);
      const before = (await processFigures(api.child.pid)).cpuSeconds;
      started = performance.now();
      let left = together;
      const worker = async () => {
        while (left-- > 0) await look(client);
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      figures[index].perSecond.push((together * 1000) / (performance.now() - started));
      const after = (await processFigures(api.child.pid)).cpuSeconds;
      figures[index].processorMs.push(((after - before) * 1000) / together);
    }
  }
  return figures.map(({ ms, perSecond, processorMs }) => ({
    ms: median(ms),
    perSecond: median(perSecond),
    processorMs: median(processorMs),
  }));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
