import { spawn } from 'node:child_process';
import { join } from 'node:path';

/**
 * Sees to it that the server in `dataDir` ends and the folder goes when this process does, however it ends.
 * @returns does it at once, and resolves when it is done
 */
export function reapWithProcess(dataDir: string): () => Promise<void> {
  const reaper = spawn(process.execPath, [join(import.meta.dirname, 'server-reaper.mjs'), dataDir], {
    stdio: ['pipe', 'ignore', 'inherit'],
    // Ctrl-C goes to the whole process group, and the reaper has its work to do then.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => reaper.once('exit', () => resolve()));
  reaper.unref();
  return () => {
    reaper.stdin.end();
    return ended;
  };
}
