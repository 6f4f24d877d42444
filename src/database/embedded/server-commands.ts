import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { EmbeddedPostgresError, SET_DATABASE_URL } from './embedded-error.js';
import type { ServerUser } from './server-user.js';

export interface CommandResult {
  /** The exit code; 128 when a signal ended it. */
  readonly code: number;
  /** Standard output and error together. */
  readonly output: string;
}

/**
 * Runs PostgreSQL's own programs as the server's user.
 *
 * The service may be root inside a folder that this user has no access to (`mktemp -d` gives 0700). So a program is
 * started with the data folder as its working directory, which is set before the user changes. On Linux the program
 * gets the path `/proc/self/cwd`, which leads to that folder without access to its parents. Neither the server nor its
 * children change their directory, so the path stays right for all of them.
 */
export class ServerCommands {
  constructor(
    private readonly binFolder: string,
    private readonly user: ServerUser | undefined,
  ) {}

  /** The value of `-D` for a program that runs inside `dataFolder`. */
  dataArgument(dataFolder: string): string {
    return this.user !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : dataFolder;
  }

  /**
   * Runs a program to its end.
   * @param folder - the working directory: the data folder, except for programs that need none
   * @throws EmbeddedPostgresError when the program cannot be started at all
   */
  run(program: 'initdb' | 'pg_ctl' | 'postgres', args: readonly string[], folder: string): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const child = spawn(join(this.binFolder, program), args, {
        cwd: folder,
        ...(this.user === undefined ? {} : { uid: this.user.uid, gid: this.user.gid }),
        // Ctrl-C goes to the whole process group; without this it would stop the server before the service has drained.
        detached: true,
        windowsHide: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        // No inherited variables: the server would obey PGPORT or PGDATA, and secrets would stay readable in /proc.
        ...(process.platform === 'win32' ? {} : { env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' } }),
      });
      const chunks: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.once('error', (error: NodeJS.ErrnoException) => reject(cannotRun(program, error)));
      // On Windows the server inherits these pipes, so 'close' would only come when the server ends.
      child.once(process.platform === 'win32' ? 'exit' : 'close', (code) => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code: code ?? 128, output: Buffer.concat(chunks).toString('utf8').trim() });
      });
    });
  }

  /** The major version of the programs. Asking for it also shows that they run on this machine. */
  async majorVersion(): Promise<number> {
    const { code, output } = await this.run('postgres', ['--version'], '/');
    const major = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
    if (code === 0 && major !== undefined) return Number(major);
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL does not run on this machine: ${output}. ${SET_DATABASE_URL}`,
    );
  }
}

function cannotRun(program: string, error: NodeJS.ErrnoException): EmbeddedPostgresError {
  const why =
    error.code === 'EPERM'
      ? 'the service is root but may not change to an ordinary user; start it as one'
      : error.code === 'ENOENT'
        ? 'a library that it needs is missing on this system (it needs glibc, which Alpine does not have)'
        : (error.code ?? error.message);
  return new EmbeddedPostgresError(`The embedded PostgreSQL's ${program} cannot be run: ${why}. ${SET_DATABASE_URL}`, {
    cause: error,
  });
}
