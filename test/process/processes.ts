import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { JsonObject } from 'openai-sandbox';
import { builtService } from '../support/built-service.js';
import { GENERATE, SECRETS, sign, type TestService } from '../support/service.js';

export interface Process {
  readonly child: ChildProcess;
  readonly origin: string;
  /** Its output so far. */
  readonly log: () => string;
}

/**
 * The service as its users start it, each in its own process, with a database, a sandbox and photos that the test can
 * see.
 */
export class Processes {
  private children: ChildProcess[] = [];

  private constructor(
    private readonly built: string,
    private readonly observer: TestService,
  ) {}

  static async of(observer: TestService): Promise<Processes> {
    return new Processes(await builtService(), observer);
  }

  /**
   * Starts the service from source; resolves when it can work.
   * @param onLog - gets all output so far, each time when more has come
   */
  async start(
    environment: Record<string, string> = {},
    onLog: (log: string) => void = () => undefined,
  ): Promise<Process> {
    const { db, sandbox } = this.observer;
    const child = spawn(process.execPath, [join(this.built, 'main.js')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: '0',
        DATABASE_URL: db.url,
        DATA_DIR: sandbox.stateDir,
        SHARED_KEYS: JSON.stringify(SECRETS),
        OPENAI_API_KEY: 'test',
        OPENAI_BASE_URL: sandbox.server.baseUrl,
        OUTBOUND_ALLOW: '127.0.0.1/32',
        // Short, so that a killed process's work is soon taken over; not so short that a busy machine ends it.
        LEASE_SECONDS: '2',
        ...environment,
      },
    });
    this.children.push(child);
    let log = '';
    const listens = new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        onLog(log);
        const ready = /^.*"message":"ready".*\n/m.exec(log);
        if (ready !== null) resolve(String((JSON.parse(ready[0]) as JsonObject)['port']));
      });
      child.once('exit', (code) => reject(new Error(`the service ended with ${String(code)}: ${log}`)));
    });
    const port = await listens;
    return { child, origin: `http://127.0.0.1:${port}`, log: () => log };
  }

  /** Runs the service with only these settings until it ends. */
  async run(environment: Record<string, string>): Promise<{ code: number | null; lines: string[] }> {
    const child = spawn(process.execPath, [join(this.built, 'main.js')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', ...environment },
    });
    this.children.push(child);
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    return { code, lines: (output + errors).split('\n').filter((line) => line !== '') };
  }

  async killAll(): Promise<void> {
    for (const child of this.children.splice(0)) await kill(child);
  }
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** POST generate-descriptions, signed by scheme 1. */
export async function generate(
  { origin }: Process,
  body: JsonObject,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<{ status: number; body: JsonObject }> {
  const content = JSON.stringify(body);
  const signed = { 'Content-Type': 'application/json', ...sign(GENERATE, content, { method: 'POST' }), ...headers };
  const response = await fetch(origin + GENERATE, {
    method: 'POST',
    headers: signed,
    body: content,
    ...(signal !== undefined && { signal }),
  });
  return { status: response.status, body: (await response.json()) as JsonObject };
}
