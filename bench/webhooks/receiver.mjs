// A receiver that only counts, in a process of its own. Each message to it is the number of requests to wait for.
import { createServer } from 'node:http';

let first = 0;
let count = 0;
let target = Infinity;
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(204).end();
    if (count === 0) first = performance.now();
    count += 1;
    if (count === target) process.send({ ms: performance.now() - first, count });
  });
});
server.keepAliveTimeout = 60_000;
process.on('message', (wanted) => {
  count = 0;
  target = wanted;
  process.send({ ready: true });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
