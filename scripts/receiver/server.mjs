import { once } from 'node:events';
import { createServer } from 'node:http';
import { answer } from './misbehave.mjs';
import { problemsOf } from './verify.mjs';

/**
 * A receiver on loopback that verifies what comes and answers as the address asks for.
 * @param {import('./server.d.mts').ReceiverOptions} options
 */
export async function startReceiver({
  port = 0,
  host = '127.0.0.1',
  webhookSecret = '',
  sharedKey = '',
  onEvent = () => undefined,
}) {
  const seen = new Set();
  const requests = new Map();
  const server = createServer((request, response) => void receive(request, response));

  async function receive(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The sender disconnected.
    }
    const body = Buffer.concat(chunks);
    const problems = problemsOf(request.headers, body, { webhookSecret, sharedKey });
    const id = request.headers['webhook-id'];
    const repeat = seen.has(id);
    if (problems.length === 0) seen.add(id);
    onEvent({ path: request.url, headers: request.headers, body, event: parsed(body), problems, repeat });
    if (problems.length > 0) return void response.writeHead(401).end();
    const earlier = requests.get(request.url) ?? 0;
    requests.set(request.url, earlier + 1);
    await answer(new URL(request.url, 'http://receiver'), earlier, response);
  }

  server.listen(port, host);
  await once(server, 'listening');
  return {
    origin: `http://${host}:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function parsed(body) {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
