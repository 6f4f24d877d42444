// Sends one file as a request, as a client would. It is a process of its own, so that its work is not counted for the
// service.
import { createReadStream, statSync } from 'node:fs';
import { request } from 'node:http';

process.on('message', ({ url, file, headers }) => {
  const started = performance.now();
  const sending = request(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': statSync(file).size },
    agent: false,
  });
  sending.on('error', (error) => process.send({ error: error.message }));
  sending.on('response', (response) => {
    const parts = [];
    response.on('data', (part) => parts.push(part));
    response.on('end', () => {
      const wallMs = performance.now() - started;
      process.send({ wallMs, status: response.statusCode, body: Buffer.concat(parts).toString('utf8') });
    });
  });
  createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(sending);
});
