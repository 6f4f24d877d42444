import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { clusterFolder } from '../../src/database/embedded/cluster.js';
import { hasProcesses } from '../../src/database/embedded/postmaster-file.js';
import { reapWithProcess } from '../support/reaper.js';
import { builtService } from '../support/built-service.js';

// Real: the service in a process of its own, its embedded PostgreSQL, signals.

const POSTGRES = 18;
let built: string;
beforeAll(async () => {
  built = await builtService();
});

/** Resolves once it is so; false when the process has ended before. */
async function comesTrue(look: () => boolean, hasEnded: () => boolean): Promise<boolean> {
  while (!look()) {
    if (hasEnded()) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

const dataOf = (dataDir: string) => join(clusterFolder(dataDir, POSTGRES), 'data');

describe('a signal during the start', () => {
  it.each([
    ['SIGTERM', 'while the cluster is made', (folder: string) => readdirSync(folder).length > 0],
    ['SIGINT', 'while the server starts', (folder: string) => existsSync(join(dataOf(folder), 'postmaster.pid'))],
  ] as const)('%s %s ends the service with 0 and leaves no database running', async (signal, _when, look) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'generation-start-'));
    const reap = reapWithProcess(dataDir);
    const child = spawn(process.execPath, [join(built, 'main.js')], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env['PATH'] ?? '',
        DATA_DIR: dataDir,
        PORT: '0',
        SHARED_KEY: 'start-signal-key-0123456789abcdef-test',
      },
    });
    const ended = once(child, 'exit');
    expect(
      await comesTrue(
        () => look(dataDir),
        () => child.exitCode !== null,
      ),
    ).toBe(true);
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
    // A server removes its file, by which its end is told, a moment before it is gone.
    await expect.poll(() => hasProcesses(dataOf(dataDir))).toBe(false);
    await reap();
  });
});
