// A client that signs correctly and comes back when told to, and a probe of the service's health.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { sign } from '../sign.mjs';

const PATH = '/api/v1/generate-descriptions';

/** The lots of a request as text, each with photos at addresses that are never requested. */
export function lotsText(count, images) {
  const lots = Array.from({ length: count }, (_, lot) => {
    const urls = Array.from({ length: images }, (__, photo) => ({
      url: `https://cdn${lot % 4}.auction-photos.example.com/lots/${10_000_000 + lot}/full/${photo}-a1b2c3d4e5f6.jpg`,
    }));
    return {
      additional_info: `2021 BMW X5, VIN WBA${String(lot).padStart(14, '0')}, runs`,
      images: urls,
      lot_id: `lot-${lot}`,
    };
  });
  return JSON.stringify(lots);
}

let requests = 0;

/**
 * Sends a batch until it is accepted or `seconds` are over.
 * @returns {Promise<{accepted: boolean, seconds: number, tries: number, told: string[]}>}
 */
export async function sendBatch({ port, secret, lots, scheme, address, seconds }) {
  const run = String(++requests) + address;
  const signature = scheme === 2 ? `"signature":"${createHmac('sha256', secret).update(lots).digest('hex')}",` : '';
  const body = Buffer.from(
    `{${signature}"version":"1.0.0","languages":["en"],"mode":"batch","metadata":{"run":"${run}"},"lots":${lots}}`,
  );
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const told = [];
  for (let tries = 1; ; tries++) {
    const answer = await send({ port, address, body, headers: scheme === 1 ? sign(secret, 'POST', PATH, body) : {} });
    if (answer.status === 201) return { accepted: true, seconds: since(), tries, told };
    told.push(String(answer.status ?? answer.error));
    if (![429, 503, undefined].includes(answer.status)) throw new Error(`refused: ${answer.status} ${answer.text}`);
    if (since() > seconds) return { accepted: false, seconds: since(), tries, told };
    await wait(1000 * Number(answer.retryAfter ?? 2));
  }
}

async function send({ port, address, body, headers }) {
  const sending = request({
    port,
    host: '127.0.0.1',
    localAddress: address,
    agent: false,
    method: 'POST',
    path: PATH,
    headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers },
  });
  const answered = once(sending, 'response');
  sending.on('error', () => {});
  sending.end(body);
  try {
    const [response] = await answered;
    const parts = [];
    for await (const part of response) parts.push(part);
    const text = Buffer.concat(parts).toString();
    return { status: response.statusCode, retryAfter: response.headers['retry-after'], text };
  } catch (error) {
    return { error: error.code ?? error.message };
  }
}

/** Asks for /health every 100 ms, each time over a new connection. `stop` tells the longest wait in milliseconds. */
export function watchHealth(port) {
  let worst = 0;
  let failed = 0;
  let asked = 0;
  let stopped = false;
  const ask = async () => {
    asked += 1;
    const started = performance.now();
    const asking = request({
      port,
      host: '127.0.0.1',
      localAddress: '127.0.0.5',
      agent: false,
      path: '/health',
      timeout: 30_000,
    });
    asking.on('timeout', () => asking.destroy());
    asking.end();
    try {
      const [response] = await once(asking, 'response');
      response.resume();
      if (response.statusCode !== 200) failed += 1;
    } catch {
      failed += 1;
    }
    worst = Math.max(worst, performance.now() - started);
  };
  const timer = setInterval(() => !stopped && void ask(), 100);
  return {
    stop() {
      stopped = true;
      clearInterval(timer);
      return { worstMs: Math.round(worst), failed, asked };
    },
  };
}
