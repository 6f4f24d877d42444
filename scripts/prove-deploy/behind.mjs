// What deploy/nginx.conf passes on, and to whom: tried with two stand-ins for the api that keep what they get, and of
// which the first to be asked for a "dying" request closes its connection after it has read it.
import { once } from 'node:events';
import { createServer, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { startNginx } from './nginx.mjs';

const GENERATE = '/api/v1/generate-descriptions';
const LIMIT = 300 * 1024 * 1024;

/** @returns rows of {what, seen, holds} */
export async function checkNginx() {
  const seen = [];
  const servers = [await standIn(seen), await standIn(seen)];
  const nginx = await startNginx(servers.map((server) => server.address().port));
  const ask = (path, options = {}) => send(secure, nginx.port, path, { ca: nginx.ca, ...options });
  const rows = [];
  const row = (what, holds, told) => rows.push({ what, seen: told, holds });
  const times = (path) => seen.filter(({ url }) => url.endsWith(path)).length;
  try {
    const odd = '/api/v1/batch-status/../x//y?a=%2F&b=%20';
    await ask(odd, { headers: { 'X-Forwarded-For': '203.0.113.7', 'X-Request-Id': 'of-the-client' } });
    const [{ url, headers }] = seen;
    row('the path is passed on as it was signed', url === odd, url);
    row(
      'a client cannot choose its own address',
      headers['x-forwarded-for'] === '127.0.0.1',
      headers['x-forwarded-for'],
    );
    row('a client keeps its request id', headers['x-request-id'] === 'of-the-client', headers['x-request-id']);
    row('connections to the api are kept', headers.connection !== 'close', headers.connection ?? 'kept');

    const get = await ask('/api/v1/batch-status/dying');
    row('a GET whose api dies is asked of the other', get.status === 200 && times('/dying') === 2, get.status);
    const small = await ask(`${GENERATE}?dying`, { method: 'POST', body: Buffer.alloc(100_000) });
    row('a small lot whose api dies is sent to the other', small.status === 200 && times('?dying') === 2, small.status);
    const large = await ask(`${GENERATE}?dying-large`, { method: 'POST', body: Buffer.alloc(2_000_000) });
    row('a large body whose api dies is not', large.status === 503 && times('?dying-large') === 1, inWords(large));
    const cancel = await ask('/api/v1/batch-jobs/x/cancel?dying', { method: 'POST' });
    row('no other POST is sent twice', cancel.status === 503 && times('cancel?dying') === 1, inWords(cancel));

    const over = await ask(GENERATE, { method: 'POST', headers: { 'Content-Length': LIMIT + 1 } });
    row('over 300 MB is refused by its length, as JSON', over.status === 413 && isError(over), inWords(over));
    const metrics = await ask('/metrics');
    row('/metrics is not for the world', metrics.status === 404 && times('/metrics') === 0, inWords(metrics));
    const moved = await send(plain, nginx.plainPort, '/docs?x=1');
    row('http leads to https', moved.status === 308, `${moved.status} ${moved.headers.location}`);

    for (const server of servers) await new Promise((done) => (server.close(done), server.closeAllConnections()));
    const away = await ask('/health');
    row('no api at all: JSON, with Retry-After', away.status === 503 && isError(away), inWords(away));
    return rows;
  } finally {
    await nginx.stop();
    for (const server of servers) server.closeAllConnections();
  }
}

async function standIn(seen) {
  const server = createServer((request, response) => {
    const first = !seen.some(({ url }) => url === request.url);
    seen.push({ url: request.url, headers: request.headers });
    request.resume().once('end', () => {
      if (first && request.url.includes('dying')) request.socket.resetAndDestroy();
      else response.end('{}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

async function send(protocol, port, path, { ca, method = 'GET', headers = {}, body } = {}) {
  const length = body === undefined ? {} : { 'Content-Length': body.length };
  const request = protocol({ host: 'localhost', port, path, method, ca, headers: { ...length, ...headers } });
  request.on('error', () => {});
  if (headers['Content-Length'] === undefined) request.end(body);
  else request.flushHeaders();
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  request.destroy();
  return { status: response.statusCode, headers: response.headers, text };
}

function isError({ text, status, headers }) {
  const { error, message, code, request_id: id } = JSON.parse(text);
  return [error, message, code, id].every((word) => word?.length > 0) && (status !== 503 || 'retry-after' in headers);
}

function inWords({ status, text }) {
  return `${status} ${text.startsWith('{') ? JSON.parse(text).code : text}`;
}
