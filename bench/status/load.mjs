// A process that sends requests over 50 connections; each connection asks again as soon as it is answered.
import { Pool } from 'undici';
import { signedHeaders } from '../support/signing.mjs';
import { quantile } from '../support/statistics.mjs';

const CONNECTIONS = 50;

process.on('message', (task) => void load(task));

async function load({ origin, path, extra, status, seconds }) {
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  // Signed once, because making HMACs here would take the processor away from the service.
  const headers = { ...signedHeaders('GET', path), ...extra };
  const latencies = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() < end) {
        const begun = performance.now();
        const answer = await pool.request({ path, method: 'GET', headers });
        await answer.body.dump();
        if (answer.statusCode !== status) throw new Error(`answered ${answer.statusCode} instead of ${status}`);
        latencies.push(performance.now() - begun);
      }
    }),
  );
  const perSecond = latencies.length / ((performance.now() - started) / 1000);
  await pool.close();
  process.send({ perSecond, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) });
}
