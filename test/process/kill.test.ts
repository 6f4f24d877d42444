import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { GENERATE, SECRETS, sign, TestService } from '../support/service.js';

const ROOT = join(import.meta.dirname, '..', '..');

/** Polls, serves sandbox and photos, and takes nothing over: the processes under test are the workers. */
let observer: TestService;
let children: ChildProcess[] = [];
let built: string;

beforeAll(async () => {
  built = await transpile();
  observer = await TestService.start({ environment: { ROLE: 'api' } });
});
beforeEach(() => observer.reset());
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
});
afterAll(async () => {
  await observer.stop();
  await rm(built, { recursive: true, force: true });
});

/** The sources as they are now as plain JavaScript; types are tsc's business. Inside the package, which they look for. */
async function transpile(): Promise<string> {
  const cache = join(ROOT, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const target = await mkdtemp(join(cache, 'process-test-'));
  for (const file of await readdir(join(ROOT, 'src'), { recursive: true })) {
    const source = join(ROOT, 'src', file);
    const output = join(target, file.replace(/\.ts$/, '.js'));
    await mkdir(dirname(output), { recursive: true });
    if (!file.endsWith('.ts')) {
      if (file.includes('.')) await copyFile(source, output);
      continue;
    }
    const { outputText } = ts.transpileModule(await readFile(source, 'utf8'), {
      fileName: file,
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    });
    await writeFile(output, outputText);
  }
  return target;
}

interface Process {
  readonly child: ChildProcess;
  readonly origin: string;
}

/** The service as its users start it, from source, and able to work when this resolves. */
async function startProcess(environment: Record<string, string> = {}): Promise<Process> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(built, 'main.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      DATABASE_URL: observer.db.url,
      DATA_DIR: observer.sandbox.stateDir,
      SHARED_KEYS: JSON.stringify(SECRETS),
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: observer.sandbox.server.baseUrl,
      OUTBOUND_ALLOW: '127.0.0.1/32',
      LEASE_SECONDS: '1',
      ...environment,
    },
  });
  children = [...children, child];
  let log = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('"message":"ready"')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the service ended with ${String(code)}: ${log}`)));
  });
  await ready;
  return { child, origin: `http://127.0.0.1:${port}` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function generate({ origin }: Process, body: JsonObject, headers: Record<string, string> = {}) {
  const text = JSON.stringify(body);
  const signed = { 'Content-Type': 'application/json', ...sign(GENERATE, text, { method: 'POST' }), ...headers };
  const response = await fetch(origin + GENERATE, { method: 'POST', headers: signed, body: text });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

const ended = (body: JsonObject) => /completed|failed|cancelled/.test(String(body['status']));
const NEVER = { action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses' };

/** The job of a request whose process was killed while the model worked on the `calls`th call. */
async function killDuring(body: JsonObject, headers: Record<string, string>, calls: number): Promise<string> {
  const victim = await startProcess();
  const waiting = generate(victim, body, headers).catch(() => 'cut');
  await observer.callsWhen((all) => all.length === calls);
  await kill(victim.child);
  expect(await waiting).toBe('cut');
  return String((await observer.jobOfLot(body))?.['id']);
}

describe('kill -9 during a call to the model', () => {
  it('with an Idempotency-Key: the restarted service resumes the job, and the retry gets it', async () => {
    await observer.faults(NEVER);
    const body = observer.request();
    const headers = { 'Idempotency-Key': randomUUID() };
    const jobId = await killDuring(body, headers, 1);
    const next = await startProcess();
    expect(await observer.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    const retry = await generate(next, body, headers);
    expect([retry.status, retry.body['job_id']]).toEqual([200, jobId]);
    expect((await observer.calls()).map(({ outcome }) => outcome)).toEqual(['aborted', 'answered']);
  });

  it('after the vision answer was stored: it is not asked for again', async () => {
    await observer.faults({ ...NEVER, model: 'gpt-5.6-luna' });
    const body = observer.request({ languages: ['de'] });
    const jobId = await killDuring(body, { 'Idempotency-Key': randomUUID() }, 2);
    await startProcess();
    expect(await observer.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    expect(await observer.callCounts()).toEqual({ vision: 1, translation: 2 });
  });

  it('without a key: the job fails as INTERRUPTED, unpaid, and the next request works', async () => {
    await observer.faults(NEVER);
    const body = observer.request();
    const jobId = await killDuring(body, {}, 1);
    const next = await startProcess();
    expect(await observer.statusWhen(jobId, ended)).toMatchObject({ status: 'failed', error_code: 'INTERRUPTED' });
    expect(await observer.callCounts()).toEqual({ vision: 1, translation: 0 });
    expect((await generate(next, body)).status).toBe(200);
  });
});

describe('SIGTERM during a call to the model', () => {
  it('answers 202, ends with 0, and the next process finishes the job', async () => {
    await observer.faults(NEVER);
    const first = await startProcess({ SHUTDOWN_GRACE: '0.1' });
    const waiting = generate(first, observer.request());
    await observer.callsWhen((all) => all.length === 1);
    const exit = once(first.child, 'exit');
    first.child.kill('SIGTERM');
    const answer = await waiting;
    expect(answer.status).toBe(202);
    expect(await exit).toEqual([0, null]);
    await startProcess();
    const status = await observer.statusWhen(String(answer.body['job_id']), ended);
    expect(status).toMatchObject({ status: 'completed' });
  });
});
