// Shows what the service does on a machine without anything else: no key, no Docker, no database. With --once it ends
// when it is done; with --verbose it prints requests, texts and results in full.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { followBatch } from './demo/batch.mjs';
import { describeLot } from './demo/one-lot.mjs';
import { startChild } from './demo/service-process.mjs';
import { startReceiver } from './receiver/server.mjs';
import { SERVICE } from './start-command.mjs';

const KEY = 'demo-shared-key-0123456789abcdef-not-secret';
const root = join(import.meta.dirname, '..');
const verbose = process.argv.includes('--verbose') || process.argv.includes('--all');
const say = (text = '') => console.log(text);
const detail = (text) => verbose && say(text);

let service;
let receiver;
let ending = false;
// From the beginning, because a start takes seconds; and where the reader of a pipe has gone, because the service is in
// a group of its own and would go on running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
process.stdout.on('error', () => void end());

try {
  await show();
} catch (error) {
  // Requests that were under way when the demo was ended.
  if (!ending) await fail([error.stack]);
}

async function show() {
  const from = performance.now();
  say('Generation Service: photos of a car in, its damage described in many languages out.');
  say('This is the real service with a PostgreSQL of its own. A sandbox stands in for OpenAI: it only simulates.');
  const events = [];
  receiver = await startReceiver({ sharedKey: KEY, onEvent: (event) => events.push(event) });
  const port = await choosePort(Number(process.env.PORT ?? 3000));
  const origin = `http://127.0.0.1:${port}`;
  if (ending) return;
  startService(port);
  say('Starting (the first start also makes the database) ...');
  await untilReady(origin);
  say(
    `Ready after ${((performance.now() - from) / 1000).toFixed(1)} s. Open this page: it shows a lot, and you can try it there.`,
  );
  say(`  ${origin}/`);
  say(`  ${origin}/docs is the API: press Authorize and paste ${KEY}`);

  const about = { origin, key: KEY, say, detail };
  const problems = [
    ...(await describeLot(about)),
    ...(await followBatch({ ...about, receiver, events, progress: progressBar() })),
  ];
  if (problems.length > 0) await fail(problems);
  if (process.argv.includes('--once')) return end();
  say(`${verbose ? '' : 'In full: npm run demo -- --verbose. '}Running until you press Ctrl-C.`);
}

function startService(port) {
  service = startChild(SERVICE, {
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
  void service.ended.then((code) => {
    if (ending) return;
    console.error(service.log());
    console.error(`The service ended by itself (${code}); its log is above.`);
    process.exit(1);
  });
}

async function fail(problems) {
  for (const problem of problems) console.error(problem);
  await end(1);
}

async function end(code = 0) {
  if (ending) return;
  ending = true;
  say('\nEnding ...');
  service?.stop();
  const its = (await service?.ended) ?? 0;
  receiver?.close();
  if (its === 0) say('Ended cleanly.');
  else console.error(`${service.log()}\nThe service ended with ${its}; its log is above.`);
  process.exit(code || its);
}

/** One line that is written over; on paper only the detailed form has one, with a line for each step. */
function progressBar() {
  let shown = '';
  return (line) => {
    if (line === shown) return;
    shown = line;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
    else if (line !== '') detail(line);
  };
}

async function untilReady(origin) {
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
