import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SECRETS, TestService } from '../support/service.js';
import { partAt, readYaml } from '../docs/manifests.js';
import { Processes, type Process } from './processes.js';

// Real: migrate, two api and a worker in processes of their own, an empty PostgreSQL. Faked: Docker, which starts again
// what compose.yaml says; and the network to the database, by a port that opens late. After a reboot Docker starts all
// containers at once, whatever depends_on says.

let observer: TestService;
let processes: Processes;
let empty: TestDatabase;
let late: Server | undefined;

beforeAll(async () => {
  observer = await TestService.start({ environment: { ROLE: 'api' } });
  processes = await Processes.of(observer);
  empty = await createTestDatabase({ empty: true });
});
afterAll(async () => {
  await processes.killAll();
  late?.close();
  await empty.drop();
  await observer.stop();
});

const WAITS = 'the database cannot be reached yet';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it('containers that are all started before their database come up by themselves, as compose.yaml restarts them', async () => {
  const port = await freePort();
  const real = new URL(empty.url);
  const url = new URL(empty.url);
  url.host = `127.0.0.1:${port}`;
  const services = partAt(readYaml('compose.yaml'), 'services');
  const names = ['api-1', 'api-2', 'worker'];
  const waiting = new Set<string>();
  const open = (name: string) => (log: string) => {
    if (log.includes(WAITS)) waiting.add(name);
    if (waiting.size < names.length || late !== undefined) return;
    late = createServer((socket) => {
      const there = connect(Number(real.port), real.hostname);
      for (const end of [socket, there]) end.on('error', () => undefined);
      socket.pipe(there).pipe(socket);
    }).listen(port, '127.0.0.1');
  };
  let restarts = 0;
  let foundNoTables: () => void = () => undefined;
  const untilNoTables = new Promise<void>((resolve) => (foundNoTables = resolve));
  const keepRunning = async (name: string): Promise<Process> => {
    const { environment, restart } = partAt(services, name);
    const { ROLE, TRUST_PROXY } = environment as Record<string, string>;
    for (;;) {
      try {
        const settings = { ROLE: String(ROLE), ...(TRUST_PROXY !== undefined && { TRUST_PROXY }) };
        return await processes.start({ ...settings, DATABASE_URL: url.href }, open(name));
      } catch {
        expect(restart).toBe('unless-stopped');
        restarts += 1;
        if (restarts === names.length) foundNoTables();
      }
    }
  };
  const running = Promise.all(names.map(keepRunning));
  // Begun last, so that the others find a database without tables.
  await untilNoTables;
  const settings = { SHARED_KEYS: JSON.stringify(SECRETS), ROLE: 'migrate', DATABASE_URL: url.href };
  expect((await processes.run(settings)).code).toBe(0);
  const all = await running;
  expect(restarts).toBeGreaterThanOrEqual(names.length);
  for (const { origin } of all) {
    const answer = await fetch(`${origin}/ready`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready', database: 'ok', worker: 'ok' }]);
  }
});
