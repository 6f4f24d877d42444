import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A Node process in a group of its own: so Ctrl-C, which the terminal sends to every process of its group, reaches only
 * the parent, like a `kill` of it. In both cases the parent ends the child once, because a second signal would cut its
 * drain short.
 */
export function startChild(args, env) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env, detached: true });
  const log = [];
  child.stdout.on('data', (chunk) => log.push(chunk));
  return {
    /** Its standard output so far. */
    log: () => Buffer.concat(log).toString(),
    stop: () => child.kill('SIGTERM'),
    /** Its exit code. */
    ended: once(child, 'exit').then(([code]) => code),
  };
}
