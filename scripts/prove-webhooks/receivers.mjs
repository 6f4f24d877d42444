// Receivers that verify and remember every request: `flaky` answers 503 to one in ten, `hanging` never answers.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { problemsOf } from '../receiver/verify.mjs';

const secrets = { webhookSecret: '', sharedKey: process.argv[2] };
const requests = [];

const ANSWERS = {
  well: (response) => respond(response, 204),
  flaky: (response) => respond(response, Math.random() < 0.1 ? 503 : 204),
  hanging: () => 0,
};

function respond(response, status) {
  response.writeHead(status).end();
  return status;
}

async function receive(kind, request, response) {
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    return; // Its sender was killed during the request, so there is no one to answer.
  }
  const body = Buffer.concat(chunks);
  const verified = problemsOf(request.headers, body, secrets).length === 0;
  const { part, lots } = JSON.parse(body.toString());
  requests.push({
    id: request.headers['webhook-id'],
    attempt: Number(request.headers['x-delivery-attempt']),
    status: ANSWERS[kind](response),
    verified,
    bytes: body.length,
    part,
    names: lots.map((lot) => lot.lot_id),
  });
}

async function listen(kind) {
  const server = createServer((request, response) => void receive(kind, request, response));
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

process.on('message', (message) => {
  if (message.listen !== undefined) void Promise.all(message.listen.map(listen)).then((ports) => process.send(ports));
  else process.send(requests);
});
process.on('disconnect', () => process.exit(0));
