// A reverse proxy that gives each request to the next api that is ready, by the rules of deploy/nginx.conf: another api is asked where
// nothing was sent, and where a repeat does no harm.
import { once } from 'node:events';
import { Agent, createServer, request as ask } from 'node:http';

const LOOK_EVERY_MS = 200;
/** Below SHUTDOWN_DELAY: the proxy closes idle connections, never the service. */
const IDLE_MS = 2000;
const SMALL_BODY_BYTES = 1_000_000;
const GENERATE = '/api/v1/generate-descriptions';
const OF_ONE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'upgrade']);

export class Proxy {
  /** How often another api was asked, and how often none was left. */
  askedAgain = 0;
  gaveUp = 0;
  next = 0;
  agent = new Agent({ keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 64 });

  /** @param ports - of the apis */
  constructor(ports) {
    this.apis = ports.map((port, index) => ({ port, index, ready: false }));
  }

  async start() {
    this.server = createServer((request, response) => void this.handle(request, response));
    this.server.keepAliveTimeout = 75_000;
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    await this.look();
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
  }

  async look() {
    await Promise.all(
      this.apis.map(async (api) => {
        api.ready = await isReady(api.port);
      }),
    );
  }

  async handle(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks);
    const tried = new Set();
    for (;;) {
      const api = this.choose(tried);
      if (api === undefined) {
        this.gaveUp++;
        response.writeHead(503, { 'Content-Type': 'application/json', 'Retry-After': '2' });
        response.end(JSON.stringify({ code: 'SERVICE_UNAVAILABLE', message: 'No process answered.' }));
        return;
      }
      tried.add(api);
      const failure = await this.pass(api, request, body, response);
      if (failure === undefined) return;
      if (failure === 'refused') api.ready = false;
      else if (!mayBeRepeated(request, body)) for (const other of this.apis) tried.add(other);
      this.askedAgain++;
    }
  }

  /** The next one that is ready; where none is, the next one at all. */
  choose(tried) {
    const inTurn = this.apis.map((_, step) => this.apis[(this.next + step) % this.apis.length]);
    const left = inTurn.filter((api) => !tried.has(api));
    const chosen = left.find(({ ready }) => ready) ?? left[0];
    if (chosen !== undefined) this.next = chosen.index + 1;
    return chosen;
  }

  /** Resolves once the answer is under way, or with what went wrong before it: 'refused' if nothing was sent. */
  pass(api, request, body, response) {
    return new Promise((resolve) => {
      const headers = Object.entries(request.headers).filter(([name]) => !OF_ONE_CONNECTION.has(name));
      const upstream = ask({
        host: '127.0.0.1',
        port: api.port,
        method: request.method,
        path: request.url,
        headers: { ...Object.fromEntries(headers), 'x-forwarded-for': request.socket.remoteAddress },
        agent: this.agent,
      });
      const onClose = () => upstream.destroy();
      response.once('close', onClose);
      upstream.once('error', (error) => {
        response.off('close', onClose);
        if (response.headersSent || response.destroyed) {
          response.destroy();
          resolve(undefined);
        } else resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'died');
      });
      upstream.once('response', (answer) => {
        const kept = Object.entries(answer.headers).filter(([name]) => !OF_ONE_CONNECTION.has(name));
        response.writeHead(answer.statusCode, { ...Object.fromEntries(kept), 'x-served-by': String(api.index) });
        response.flushHeaders();
        answer.once('aborted', () => response.destroy());
        answer.pipe(response);
        resolve(undefined);
      });
      upstream.end(body);
    });
  }
}

/** As in deploy/nginx.conf: the service knows a repeated small request by its Idempotency-Key or signature. */
function mayBeRepeated({ method, url }, body) {
  if (method === 'GET' || method === 'HEAD') return true;
  return method === 'POST' && url === GENERATE && body.length < SMALL_BODY_BYTES;
}

function isReady(port) {
  return new Promise((resolve) => {
    const look = ask({ host: '127.0.0.1', port, path: '/ready', agent: false, timeout: 2000 });
    look.once('timeout', () => look.destroy());
    look.once('error', () => resolve(false));
    look.once('response', (answer) => {
      answer.resume();
      answer.once('close', () => resolve(answer.statusCode === 200));
    });
    look.end();
  });
}
