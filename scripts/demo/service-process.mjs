import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A Node process in a group of its own: Ctrl-C, which the terminal sends to every process of ours, reaches us alone, as a
 * `kill` of our process does. Either way it is we who end it, once: a second signal would cut its drain short.
 */
export function startChild(args, env) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env, detached: true });
  const log = [];
  child.stdout.on('data', (chunk) => log.push(chunk));
  return {
    /** What it has written to its standard output. */
    log: () => Buffer.concat(log).toString(),
    stop: () => child.kill('SIGTERM'),
    /** Its exit code. */
    ended: once(child, 'exit').then(([code]) => code),
  };
}
