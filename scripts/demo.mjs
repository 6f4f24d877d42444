// Shows what the service does on a machine without anything else: no key, no Docker, no database. With --once it ends
// when it is done.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { followBatch } from './demo/batch.mjs';
import { describeLot } from './demo/one-lot.mjs';
import { servePhotos } from './demo/sample-photos.mjs';
import { startChild } from './demo/service-process.mjs';
import { startReceiver } from './receiver/server.mjs';
import { SERVICE } from './start-command.mjs';

const KEY = 'demo-shared-key-0123456789abcdef-not-secret';
const root = join(import.meta.dirname, '..');
const say = (text = '') => console.log(text);
const title = (text) => say(`\n\x1b[1m${text}\x1b[0m`);

title('Generation Service: photos of a car in, its damage described in many languages out');
say('This demo runs the real service with an embedded PostgreSQL. There is no OpenAI key, so a sandbox stands in for');
say('OpenAI: it really fetches the photos, which are drawn, and plays what a model would say of them.');

const photos = await servePhotos();
const events = [];
const receiver = await startReceiver({ sharedKey: KEY, onEvent: (event) => events.push(event) });
const port = await choosePort(Number(process.env.PORT ?? 3000));
const origin = `http://127.0.0.1:${port}`;
const service = startChild(SERVICE, {
  ...process.env,
  PORT: String(port),
  ROLE: 'all',
  DATABASE_URL: '',
  OPENAI_API_KEY: '',
  DATA_DIR: process.env.DATA_DIR ?? join(root, '.data', 'demo'),
  // The key is in this file, so anyone who can reach the demo could use it.
  HOST: '127.0.0.1',
  SHARED_KEY: KEY,
  SHARED_KEYS: '',
  OUTBOUND_ALLOW: '127.0.0.1/32',
  BATCH_POLL_INTERVAL: '1',
  LOG_LEVEL: 'warn',
});
let ending = false;
const ended = service.ended.then((code) => {
  photos.close();
  receiver.close();
  if (ending) return;
  console.error(service.log());
  console.error(`The service ended by itself (${code}); its log is above.`);
  process.exit(1);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());

say('\nStarting (the first start also creates the database) ...');
await untilReady();
say(`Ready. Open ${origin}/ in a browser: it shows a lot, and you can try it there.`);

title('1. One lot, answered at once');
if (!(await describeLot({ origin, key: KEY, photos, say }))) {
  console.error('\nThe demo expected two answers with 200, the second with notes in each language.');
  await end(1);
}

title("2. A night's catalogue of 25 lots, through the Batch API");
const batchWorked = await followBatch({ origin, key: KEY, photos, receiver, events, say });
if (!batchWorked) {
  console.error('\nThe demo expected the batch to complete and its webhook to arrive.');
  await end(1);
}

title('Where to go next');
say(`  ${origin}/                what the service does, and a form to try it`);
say(`  ${origin}/docs            the API in Swagger UI: paste the key below into Authorize and try it`);
say(`  ${origin}/openapi.json    the same for machines`);
say(`  ${photos.car('blue').images[2]}   one of the drawn photos`);
say(`  ${origin}/metrics         Prometheus metrics`);
say(`  shared key                ${KEY}`);
say('  README.md                 how to sign requests, settings, running it for real');

if (process.argv.includes('--once')) await end();
else say('\nRunning until you press Ctrl-C.');

async function end(code = 0) {
  if (ending) return;
  ending = true;
  say('\nEnding ...');
  service.stop();
  await ended;
  say('Ended cleanly.');
  process.exit(code);
}

async function untilReady() {
  for (;;) {
    const ready = await fetch(`${origin}/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** The wanted port, or a free one when the wanted one is taken. */
async function choosePort(wanted) {
  for (const candidate of [wanted, 0]) {
    const server = createServer();
    try {
      server.listen(candidate, '0.0.0.0');
      await once(server, 'listening');
      const { port: free } = server.address();
      server.close();
      await once(server, 'close');
      return free;
    } catch {
      // Taken: the next candidate is any free port.
    }
  }
  throw new Error('no free port');
}
