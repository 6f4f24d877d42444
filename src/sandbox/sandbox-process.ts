import { Logger } from '@nestjs/common';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { sandboxEnvironment } from '../config/sandbox-environment.js';

export interface StartSandboxOptions {
  /** Where files, batches and fault rules are kept; with the same folder it continues with them. */
  readonly stateDir: string;
  /** Hosts and CIDRs that the guard lets through when photos are fetched. */
  readonly allow: readonly string[];
  /** Further SANDBOX_* settings; they win over those of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node in place of the built program's path. */
  readonly program?: readonly string[];
}

export interface SandboxProcess {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseUrl: string;
  readonly pid: number;
  /** Resolves with the exit code (null: killed) when the process has ended for any reason. */
  readonly exited: Promise<number | null>;
  /** Ends it by closing its input; kills it after 5 s. */
  stop(): Promise<void>;
}

const READY_MS = 30_000;
const STOP_MS = 5_000;

/**
 * Starts the built sandbox (dist/sandbox/main.js) as a child process.
 * @throws Error when it is not installed or not built, ends before it listens, or is not ready within 30 s
 */
export async function startSandbox(options: StartSandboxOptions): Promise<SandboxProcess> {
  const child = spawn(process.execPath, [...(options.program ?? [builtProgram()])], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...sandboxEnvironment(),
      ...options.env,
      SANDBOX_STATE_DIR: options.stateDir,
      OUTBOUND_ALLOW: options.allow.join(','),
    },
  });
  let complaint = '';
  let isReady = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
    // Its output before it is ready is part of the error below.
    if (isReady) new Logger('Sandbox').error('the sandbox reports an error', { text: text.trimEnd() });
  });
  // A write to a child that has ended must not end this process.
  child.stdin.on('error', () => undefined);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  };
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the sandbox was not ready in time')), READY_MS);
    lines.once('line', (line) => {
      clearTimeout(timer);
      const baseUrl = listeningAddress(line);
      if (baseUrl === undefined) reject(new Error('the sandbox printed something other than its address'));
      else resolve(baseUrl);
    });
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the sandbox ended (${code ?? 'killed'}) before it was ready: ${complaint.trim()}`));
    });
  });
  try {
    const baseUrl = await ready;
    isReady = true;
    return { baseUrl, pid: child.pid ?? 0, exited, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * An image for production has no sandbox. Without this check the child would end with a stack trace instead of a clear
 * sentence.
 */
function requirePackage(): void {
  try {
    import.meta.resolve('openai-sandbox');
  } catch {
    throw new Error(
      'OPENAI_API_KEY is not set, and the sandbox that would stand in for OpenAI is not part of this installation. Set OPENAI_API_KEY.',
    );
  }
}

function listeningAddress(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const { listening } = (value ?? {}) as { readonly listening?: unknown };
    return typeof listening === 'string' ? listening : undefined;
  } catch {
    return undefined;
  }
}

/** Beside this file when built; under dist/ when this file runs from its source, as in tests. */
function builtProgram(): string {
  requirePackage();
  const beside = join(import.meta.dirname, 'main.js');
  if (existsSync(beside)) return beside;
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const built = join(folder, 'dist', 'sandbox', 'main.js');
    if (existsSync(built)) return built;
  }
  throw new Error('dist/sandbox/main.js is missing: run `npm run build` first');
}
