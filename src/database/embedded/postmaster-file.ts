import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Who, by postmaster.pid, serves a data folder. */
export type ServerState =
  | { readonly kind: 'none' }
  /** A server of this very folder; it may be starting or going down. The port is missing in its first moments. */
  | { readonly kind: 'alive'; readonly pid: number; readonly port: number | undefined }
  /** The file outlived its server: it cannot be read, or its process id went to some other program. */
  | { readonly kind: 'stale'; readonly pid: number | undefined };

/** The lines of postmaster.pid (src/include/utils/pidfile.h). */
const PID_LINE = 0;
const PORT_LINE = 3;

/** Says whether a server runs in `dataFolder`; never trusts the process id alone, because ids are used again. */
export function inspectServer(dataFolder: string): ServerState {
  let lines: string[];
  try {
    lines = readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'none' };
    throw error;
  }
  // A standalone backend writes its id as a negative number.
  const pid = Math.abs(Number(lines[PID_LINE]));
  if (!Number.isInteger(pid) || pid === 0) return { kind: 'stale', pid: undefined };
  if (!isRunning(pid)) return { kind: 'none' };
  if (!worksIn(pid, dataFolder)) return { kind: 'stale', pid };
  const port = Number(lines[PORT_LINE]);
  return { kind: 'alive', pid, port: Number.isInteger(port) && port > 0 ? port : undefined };
}

/** Whether there is such a process, of whichever user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A server always works inside its data folder; where that cannot be seen, its program's name must do. */
function worksIn(pid: number, dataFolder: string): boolean {
  if (existsSync('/proc/self/cwd')) return isWorkingDirectory(String(pid), dataFolder);
  if (process.platform === 'win32') return true;
  return /postgres/.test(spawnSync('ps', ['-p', String(pid), '-o', 'comm='], { encoding: 'utf8' }).stdout ?? '');
}

/**
 * True while any process works inside `dataFolder`: after kill -9 of the server its children live on for a moment, and
 * postmaster.pid must stay then, because it names the shared memory that they still write to.
 * Always false where /proc is missing.
 */
export function hasProcesses(dataFolder: string): boolean {
  if (!existsSync('/proc/self/cwd')) return false;
  return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && isWorkingDirectory(entry, dataFolder));
}

function isWorkingDirectory(pid: string, folder: string): boolean {
  try {
    const [theirs, ours] = [statSync(`/proc/${pid}/cwd`), statSync(folder)];
    return theirs.dev === ours.dev && theirs.ino === ours.ino;
  } catch {
    return false;
  }
}
