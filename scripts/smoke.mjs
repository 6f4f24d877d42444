// Starts the built service once, as a user would, and waits until it can work. Some mistakes with ESM pass all tests
// and show only here.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { freePort } from './free-port.mjs';
import { SERVICE } from './start-command.mjs';

const dataDir = mkdtempSync(join(tmpdir(), 'smoke-'));
const port = await freePort();
const service = spawn(process.execPath, SERVICE, {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: {
    ...process.env,
    PORT: String(port),
    DATA_DIR: dataDir,
    DATABASE_URL: '',
    OPENAI_API_KEY: '',
    SHARED_KEY: 'smoke-test-shared-key-0123456789abcdef',
  },
});
let log = '';
service.stdout.on('data', (chunk) => (log += chunk));
const ended = once(service, 'exit');
let failure = '';
try {
  await until(async () => (await fetch(`http://127.0.0.1:${port}/ready`)).ok, 60_000);
  for (const path of ['/health', '/ready', '/openapi.json', '/docs', '/metrics']) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
    await answer.arrayBuffer();
  }
} catch (error) {
  failure = error.message;
}
service.kill('SIGTERM');
const [code] = await ended;
rmSync(dataDir, { recursive: true, force: true });
if (failure !== '' || code !== 0) {
  console.error(log);
  console.error(`smoke: ${failure || `the service ended with ${code}`}`);
  process.exit(1);
}
console.log('smoke: the built service started, answered and ended cleanly');

/** Asks again after each failure until `check` is true. It does not wait for a service that has ended. */
async function until(check, withinMs) {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    if (service.exitCode !== null) throw new Error('the service ended while it was starting');
    if (await check().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the service did not become ready');
}
