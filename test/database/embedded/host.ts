import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { reapWithProcess } from '../../support/reaper.js';

const SUPPORT = join(import.meta.dirname, '..', '..', 'support');

/**
 * A folder for one test's cluster. `remove`, or the end of this process, ends everything that runs in it and removes
 * it.
 */
export async function temporaryDataDir(): Promise<{ dataDir: string; remove: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'generation-embedded-'));
  return { dataDir, remove: reapWithProcess(dataDir) };
}

/** The process of embedded-host.mjs, which needs `builtService()` once before. */
export class Host {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  private readonly lines: Interface;
  private readonly said: string[] = [];

  constructor(dataDir: string, options: { env?: Record<string, string>; uid?: number; gid?: number } = {}) {
    this.process = spawn(process.execPath, [join(SUPPORT, 'embedded-host.mjs'), inject('builtService'), dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // A process group of its own, so that a test can send a signal to the whole of it as a terminal does.
      detached: true,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...options.env },
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
    });
    this.exited = once(this.process, 'exit');
    this.lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream });
    this.lines.on('line', (line) => this.said.push(line));
  }

  /** The rest of the first line that begins with `word`, whether it was printed before or comes later. */
  async says(word: string): Promise<string> {
    for (;;) {
      const line = this.said.find((candidate) => candidate.startsWith(word));
      if (line !== undefined) return line.slice(word.length).trim();
      const ended = await Promise.race([
        once(this.lines, 'line').then(() => false),
        once(this.lines, 'close').then(() => true),
      ]);
      if (ended && !this.said.some((candidate) => candidate.startsWith(word))) {
        throw new Error(`the host ended without "${word}"; it said: ${this.said.join(' | ')}`);
      }
    }
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-(this.process.pid as number), signal);
  }
}

export async function dataFolder(dataDir: string): Promise<string> {
  const cluster = (await readdir(dataDir)).find((entry) => /^pg\d+$/.test(entry));
  return join(dataDir, cluster ?? 'none', 'data');
}

/** The server's process id, by its own file. */
export async function serverPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(await dataFolder(dataDir), 'postmaster.pid'), 'utf8'), 10);
}

export async function serverIsRunning(dataDir: string): Promise<boolean> {
  return existsSync(join(await dataFolder(dataDir), 'postmaster.pid'));
}

export async function query<T extends pg.QueryResultRow>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  // When the server is killed during a query, the rejected call shows it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}
