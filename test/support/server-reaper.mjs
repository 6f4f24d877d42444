/**
 * Stops a test server and removes its folder as soon as its standard input ends. However the test run ends, even by
 * kill -9, no PostgreSQL may be left running.
 * Argument: the DATA_DIR that the server was given.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const [dataDir] = process.argv.slice(2);

process.stdin.resume();
process.stdin.once('end', () => {
  const pid = serverPid();
  if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGQUIT');
  waitForEnd(pid);
});

/** A process is never killed only because a file names it: it must also work in that data folder. */
function serverPid() {
  try {
    const cluster = readdirSync(dataDir).find((entry) => /^pg\d+$/.test(entry)) ?? '';
    const data = join(dataDir, cluster, 'data');
    const pid = Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10);
    const isServer = !existsSync('/proc/self/cwd') || statSync(`/proc/${pid}/cwd`).ino === statSync(data).ino;
    return isServer ? pid : undefined;
  } catch {
    return undefined;
  }
}

function waitForEnd(pid) {
  if (pid !== undefined && isRunning(pid)) {
    setTimeout(() => waitForEnd(pid), 50);
    return;
  }
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
