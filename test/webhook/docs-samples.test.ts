import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver } from '../../scripts/receiver/server.mjs';
import { FakeClock } from '../support/fake-clock.js';
import { startReceiver as startRecorder, type ReceivedRequest } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { SECRET, seedJob } from './support/seed.js';
import { hasInterpreter } from '../support/interpreters.js';

const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const root = join(import.meta.dirname, '../..');

/** The code blocks of docs/webhooks.md in one language, as they stand there. */
async function samples(language: string): Promise<string[]> {
  const text = await readFile(join(root, 'docs/webhooks.md'), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code]) => code ?? '');
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

// Real: PostgreSQL, the sender, HTTP, python3, node and php themselves. Faked: nothing (the wall clock stands still at now).
describe('the samples of docs/webhooks.md', () => {
  let rig: Rig;
  let folder: string;
  /** Real deliveries, recorded as they came. */
  let recorded: ReceivedRequest[];
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webhook-samples-'));
    const secrets = new Map([['default', [`whsec_${Buffer.alloc(32, 8).toString('base64')}`, WEBHOOK_SECRET]]]);
    rig = await createRig({
      settings: { webhook: { secrets, partLots: 2 } },
      clock: new FakeClock({ at: Date.now() }),
    });
    const recorder = await startRecorder();
    const id = await seedJob(rig.db.database, { lots: 5, webhookUrl: `${recorder.origin}/hook` });
    await rig.end(id);
    await rig.sendDue();
    recorded = [...recorder.requests];
    await recorder.close();
  });
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await rig.close();
    await rm(folder, { recursive: true });
  });

  const start = async (command: string, args: (file: string, port: number) => string[], name: string, code: string) => {
    const file = join(folder, name);
    await writeFile(file, code);
    const port = await unusedPort();
    const child = spawn(command, args(file, port), {
      stdio: 'ignore',
      env: { ...process.env, WEBHOOK_SECRET },
    });
    running.push(child);
    const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
    const origin = `http://127.0.0.1:${port}`;
    await Promise.race([failed, untilListening(origin)]);
    return origin;
  };

  const post = async (origin: string, { headers, body }: ReceivedRequest): Promise<number> =>
    (
      await fetch(origin, {
        method: 'POST',
        headers: Object.entries(headers)
          .filter(([name]) => !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name))
          .map(([name, value]): [string, string] => [name, String(value)]),
        body: new Uint8Array(body),
      })
    ).status;

  const flipped = (request: ReceivedRequest): ReceivedRequest => {
    const body = Buffer.from(request.body);
    const at = body.length - 20;
    body[at] = (body[at] as number) ^ 1;
    return { ...request, body };
  };
  const withHeader = (request: ReceivedRequest, name: string, value: string): ReceivedRequest => ({
    ...request,
    headers: { ...request.headers, [name]: value },
  });

  const servers: [string, string, string, number, (file: string, port: number) => string[]][] = [
    ['Python', 'python3', 'python', 0, (file, port) => [file, String(port)]],
    ['Node', process.execPath, 'js', 0, (file, port) => [file, String(port)]],
    ['PHP', 'php', 'php', 0, (file, port) => ['-S', `127.0.0.1:${port}`, file]],
  ];

  it.each(
    servers.filter(([, command]) => command === process.execPath || hasInterpreter(command as 'php' | 'python3')),
  )(
    'the samples of docs/webhooks.md in %s take every delivery and nothing that was changed',
    async (name, command, language, index, args) => {
      const code = (await samples(language))[index] ?? '';
      const origin = await start(command, args, `${name}.${language === 'js' ? 'mjs' : language}`, code);
      expect(recorded.length).toBe(3);
      for (const request of recorded) {
        expect(await post(origin, request)).toBe(204);
        expect(await post(origin, flipped(request))).toBe(401);
        expect(await post(origin, withHeader(request, 'webhook-id', 'another'))).toBe(401);
        const old = String(Number(request.headers['webhook-timestamp']) - 301);
        expect(await post(origin, withHeader(request, 'webhook-timestamp', old))).toBe(401);
        expect(await post(origin, withHeader(request, 'webhook-signature', ''))).toBe(401);
      }
    },
  );

  it.runIf(hasInterpreter('python3'))(
    'the samples of docs/webhooks.md take what the service itself sends',
    async () => {
      const [code = ''] = await samples('python');
      const origin = await start('python3', (file, port) => [file, String(port)], 'again.py', code);
      const id = await seedJob(rig.db.database, { lots: 5, webhookUrl: `${origin}/hook` });
      await rig.end(id);
      await rig.sendDue();
      expect(
        await rig.db.database.query(
          'select status, count(*)::int as n from webhook_deliveries where job_id = $1 group by 1',
          [id],
        ),
      ).toEqual([{ status: 'delivered', n: 3 }]);
    },
  );

  it.runIf(hasInterpreter('python3'))('the samples of docs/webhooks.md check the kept header in Python', async () => {
    const [, code = ''] = await samples('python');
    const file = join(folder, 'x_signature.py');
    await writeFile(file, code);
    const check = async ({ headers, body }: ReceivedRequest) => {
      const child = spawn('python3', [file, String(headers['x-signature'])], {
        stdio: ['pipe', 'ignore', 'inherit'],
        env: { ...process.env, SHARED_KEY: SECRET },
      });
      child.stdin.end(body);
      const [status] = (await once(child, 'exit')) as [number];
      return status;
    };
    for (const request of recorded) {
      expect(await check(request)).toBe(0);
      expect(await check(flipped(request))).toBe(1);
    }
  });

  it('npm run receiver checks all signatures as the samples of docs/webhooks.md do', async () => {
    const events: { problems: string[]; repeat: boolean }[] = [];
    const receiver = await startReceiver({
      webhookSecret: WEBHOOK_SECRET,
      sharedKey: SECRET,
      onEvent: (event) => void events.push(event),
    });
    const [request] = recorded as [ReceivedRequest];
    expect(await post(`${receiver.origin}/hook?status=503&times=1`, request)).toBe(503);
    expect(await post(`${receiver.origin}/hook?status=503&times=1`, request)).toBe(204);
    expect(await post(receiver.origin, flipped(request))).toBe(401);
    expect(events.map(({ problems, repeat }) => [problems.length, repeat])).toEqual([
      [0, false],
      [0, true],
      [2, true],
    ]);
    receiver.close();
  });
});

/** A connection that is taken says that the sample is up; there is no event to wait for in a foreign process. */
async function untilListening(origin: string): Promise<void> {
  for (;;) {
    const up = await fetch(origin).then(
      () => true,
      () => false,
    );
    if (up) return;
    await wait(50);
  }
}
