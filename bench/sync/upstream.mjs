// A stand-in for OpenAI that answers every vision request after a fixed time, and a photo host. A process of its own.
import { createServer } from 'node:http';

const latencyMs = Number(process.argv[2]);

const rows = {
  vehicle: { kind: 'car', count: 1, body: 'estate', colour: 'silver', doors: 'five', photos: [1] },
  photos: [{ number: 1, view: 'front_left', hidden_parts: [], also_visible: [], issues: [] }],
  looking: [],
  interior: { state: 'unknown', photos: [] },
  tyres: { state: 'unknown', photos: [] },
  listing_mismatch: [],
  ignored: [],
  findings: [
    {
      photos: [1],
      viewpoint: 'front_left',
      in_picture: 'right',
      nearness: 'near',
      part: 'bumper',
      side: 'left',
      end: 'front',
      type: 'scratch',
      zone: 'lower_half',
      extent: 'hand',
      count: 'one',
      through: 'paint',
      severity: 'minor',
      confidence: 'high',
    },
  ],
  flags: [],
  unclear_flags: [],
  not_visible: [],
  readings: [],
};
const answer = Buffer.from(
  JSON.stringify({
    id: 'resp_bench',
    object: 'response',
    status: 'completed',
    model: 'gpt-5.6-terra',
    output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: JSON.stringify(rows) }] }],
    usage: { input_tokens: 3000, output_tokens: 400 },
  }),
);
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), Buffer.from('JFIF\0'), Buffer.alloc(2000)]);

let inFlight = 0;
let most = 0;
const server = createServer((request, response) => {
  if (request.url.endsWith('.jpg')) {
    response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': jpeg.length });
    response.end(request.method === 'HEAD' ? undefined : jpeg);
    return;
  }
  if (request.url === '/most') {
    response.end(String(most));
    most = 0;
    return;
  }
  request.resume();
  if (request.method === 'GET') {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ id: 'gpt-5.6-terra', object: 'model' }));
    return;
  }
  request.on('end', () => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    setTimeout(() => {
      inFlight -= 1;
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length });
      response.end(answer);
    }, latencyMs);
  });
});
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 8192 }, () => process.send({ port: server.address().port }));
