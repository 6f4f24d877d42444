// The same reads by a service with a replica and by one without: what each server worked for them, and how long they took.
import { signed } from '../prove/stage.mjs';
import { added, inWords, outcomes, quantile, rowsRead, serverSeconds } from './figures.mjs';

const CLIENTS = 4;
const ROUNDS = 2;

/**
 * @param reads - by name: how many, and the path of the n-th
 * @returns the shares of the primary's processor time that went away, by name
 */
export async function compare({ alone, beside, primary, replica, reads }) {
  const rows = [];
  const shares = {};
  for (const [name, { count, path }] of Object.entries(reads)) {
    const sums = { alone: newSum(), beside: newSum() };
    const before = await outcomes(beside);
    // In turns, because other work on the machine comes and goes.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [which, service] of Object.entries({ alone, beside })) {
        await measure(sums[which], { primary, replica }, () =>
          readAll(service.origin, count / ROUNDS, path, sums[which]),
        );
      }
    }
    for (const [which, sum] of Object.entries(sums)) {
      sum.times.sort((a, b) => a - b);
      rows.push({
        reads: `${count} ${name}`,
        service: which === 'alone' ? 'primary alone' : 'with a replica',
        'a second': Math.round(count / sum.seconds),
        'median ms': round1(quantile(sum.times, 0.5)),
        'p95 ms': round1(quantile(sum.times, 0.95)),
        'primary cpu s': round2(sum.primaryCpu),
        'replica cpu s': round2(sum.replicaCpu),
        'primary rows': Math.round(sum.primaryRows),
        'replica rows': Math.round(sum.replicaRows),
      });
    }
    shares[name] = 1 - sums.beside.primaryCpu / sums.alone.primaryCpu;
    console.log(`  ${name}: read at ${inWords(added(before, await outcomes(beside)))}`);
  }
  console.table(rows);
  return shares;
}

function newSum() {
  return { times: [], seconds: 0, primaryCpu: 0, replicaCpu: 0, primaryRows: 0, replicaRows: 0 };
}

async function measure(sum, { primary, replica }, work) {
  const reading = async () => [
    await serverSeconds(primary.data),
    await serverSeconds(replica.data),
    await rowsRead(primary.query),
    await rowsRead((text) => replica.query(text)),
  ];
  const before = await reading();
  const begun = performance.now();
  await work();
  sum.seconds += (performance.now() - begun) / 1000;
  // A server tells its counters of rows after a second at most.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const after = await reading();
  const [primaryCpu, replicaCpu, primaryRows, replicaRows] = after.map((value, index) => value - before[index]);
  sum.primaryCpu += primaryCpu;
  sum.replicaCpu += replicaCpu;
  sum.primaryRows += primaryRows;
  sum.replicaRows += replicaRows;
}

async function readAll(origin, count, path, sum) {
  let next = 0;
  const client = async () => {
    while (next < count) {
      const begun = performance.now();
      const answer = await signed(origin, path(next++));
      const bytes = (await answer.arrayBuffer()).byteLength;
      if (answer.status !== 200 || bytes === 0) throw new Error(`${answer.status} with ${bytes} bytes`);
      sum.times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

const round1 = (value) => Math.round(value * 10) / 10;
const round2 = (value) => Math.round(value * 100) / 100;
