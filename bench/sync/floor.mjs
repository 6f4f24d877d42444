// The floor: a bare node:http proxy that sends the same request through the same SDK and nothing else.
import { createServer } from 'node:http';
import OpenAI from 'openai';
import { buildVisionRequest } from '../../dist/assessment/vision-request.js';
import { parsePrompt } from '../../dist/assessment/prompt.js';
import { readFileSync } from 'node:fs';

const client = new OpenAI({ apiKey: 'bench', baseURL: process.argv[2], maxRetries: 0 });
const settings = {
  model: 'gpt-5.6-terra',
  effort: 'medium',
  detail: 'high',
  maxOutputTokens: 16_000,
  prompt: parsePrompt(readFileSync(new URL('../../prompts/vision.md', import.meta.url), 'utf8')),
};
const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => void forward());

  async function forward() {
    try {
      const [lot] = JSON.parse(Buffer.concat(chunks)).lots;
      const body = buildVisionRequest({ additionalInfo: lot.additional_info, imageUrls: lot.images }, settings);
      const answer = await client.post('/responses', { body });
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(answer));
    } catch {
      response.writeHead(500).end();
    }
  }
});
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 8192 }, () => process.send({ port: server.address().port }));
setInterval(() => process.send({ rssMb: Math.round(process.memoryUsage.rss() / 1048576) }), 500).unref();
