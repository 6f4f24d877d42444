// The kinds of photo hosts that marketplaces have, each on a loopback address of its own. They count what they are
// asked.
import { once } from 'node:events';
import { createServer } from 'node:http';

const PHOTO = { 'Content-Type': 'image/jpeg', 'Content-Length': '120000' };
/** How long an answer takes. Without this time, no host would ever have two requests at once. */
const WORK_MS = 15;

/** Takes so many requests side by side, and answers 503 to the others at once, as nginx's limit_conn does. */
function busy(most) {
  let running = 0;
  return (response) => {
    if (running >= most) return refuse(response, 503);
    running += 1;
    response.on('close', () => (running -= 1));
    return give(response);
  };
}

/** So many a second; the others are told to come back in a second. */
function rationed(perSecond) {
  let second = 0;
  let given = 0;
  return (response) => {
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) [second, given] = [now, 0];
    if (++given > perSecond) return refuse(response, 429, { 'Retry-After': '1' });
    return give(response);
  };
}

/** Breaks every connection for some seconds, from its hundredth request on. */
function restarting(seconds) {
  let asked = 0;
  let backAt = Infinity;
  return (response) => {
    asked += 1;
    if (asked === 100) backAt = Date.now() + seconds * 1000;
    if (asked >= 100 && Date.now() < backAt) return response.destroy();
    return give(response);
  };
}

function give(response) {
  setTimeout(() => response.writeHead(200, PHOTO).end(), WORK_MS);
}

function refuse(response, status, headers = {}) {
  response.writeHead(status, headers).end();
}

/** What each host does, and how its lots should end. */
const KINDS = [
  { name: 'well', manner: () => give, ends: 'completed' },
  { name: 'busy (16 at a time)', manner: () => busy(16), ends: 'completed' },
  { name: '429, Retry-After (100 a second)', manner: () => rationed(100), ends: 'completed' },
  { name: 'restarts (4 s)', manner: () => restarting(4), ends: 'completed' },
  { name: 'hangs', manner: () => () => undefined, ends: 'failed' },
  { name: 'gone', manner: () => (response) => refuse(response, 404), ends: 'failed' },
];

export async function startHosts() {
  return Promise.all(KINDS.map((kind, index) => startHost(kind, `127.0.0.${index + 11}`)));
}

async function startHost({ name, manner, ends }, address) {
  const answer = manner();
  const host = { name, ends, requests: 0, given: 0, refused: 0 };
  const server = createServer((_request, response) => {
    host.requests += 1;
    response.on('finish', () => (response.statusCode === 200 ? (host.given += 1) : (host.refused += 1)));
    answer(response);
  });
  server.keepAliveTimeout = 75_000;
  server.listen(0, address, 4096);
  await once(server, 'listening');
  return Object.assign(host, {
    photo: (lot, number) => ({ url: `http://${address}:${server.address().port}/photo/${lot}/${number}.jpg` }),
    close: () => (server.closeAllConnections(), server.close()),
  });
}
