import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Whether a server runs in a data folder, according to postmaster.pid. */
export type ServerState =
  | { readonly kind: 'none' }
  /** A server of this folder, which may be starting or stopping. The port is missing when it has just been started. */
  | { readonly kind: 'alive'; readonly pid: number; readonly port: number | undefined }
  /** The file is left over: it cannot be read, or its process id belongs to another program by now. */
  | { readonly kind: 'stale'; readonly pid: number | undefined };

/** The lines of postmaster.pid (src/include/utils/pidfile.h). */
const PID_LINE = 0;
const PORT_LINE = 3;

/** Finds out whether a server runs in `dataFolder`. The process id alone is not enough, because ids are used again. */
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

/** Whether there is a process with this id, of any user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A server always runs inside its data folder. If that cannot be read, the name of the program must do. */
function worksIn(pid: number, dataFolder: string): boolean {
  if (existsSync('/proc/self/cwd')) return isWorkingDirectory(String(pid), dataFolder);
  if (process.platform === 'win32') return true;
  return /postgres/.test(spawnSync('ps', ['-p', String(pid), '-o', 'comm='], { encoding: 'utf8' }).stdout ?? '');
}

/**
 * True while any process runs inside `dataFolder`. After kill -9 of the server its children live on for a moment. Then
 * postmaster.pid must stay, because it names the shared memory that they still write to.
 * Always false on systems without /proc.
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
