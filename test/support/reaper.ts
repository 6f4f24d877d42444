import { spawn } from 'node:child_process';
import { join } from 'node:path';

/**
 * Makes sure that the server in `dataDir` ends and the folder is removed when this process ends, however it ends.
 * @returns a function that does this at once, and resolves when it is done
 */
export function reapWithProcess(dataDir: string): () => Promise<void> {
  const reaper = spawn(process.execPath, [join(import.meta.dirname, 'server-reaper.mjs'), dataDir], {
    stdio: ['pipe', 'ignore', 'inherit'],
    // Ctrl-C goes to the whole process group, and the reaper must not end before its work is done.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => reaper.once('exit', () => resolve()));
  reaper.unref();
  return () => {
    reaper.stdin.end();
    return ended;
  };
}
