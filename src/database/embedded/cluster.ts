import { randomBytes } from 'node:crypto';
import { constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { access, chmod, chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError, SET_DATABASE_URL } from './embedded-error.js';
import { isRunning } from './postmaster-file.js';
import type { ServerCommands } from './server-commands.js';
import type { ServerUser } from './server-user.js';

/** More than DATABASE_POOL allows, so that an adopted server never has to be restarted because of this setting. */
const MAX_CONNECTIONS = 250;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** The files of one cluster: all that is under DATA_DIR/pg<major>/. */
export class Cluster {
  readonly folder: string;
  /** PostgreSQL's own data folder. */
  readonly data: string;
  private readonly log: string;
  private readonly passwordFile: string;

  constructor(
    private readonly dataDir: string,
    readonly major: number,
    private readonly user: ServerUser | undefined,
    private readonly commands: ServerCommands,
  ) {
    this.folder = clusterFolder(dataDir, major);
    this.data = join(this.folder, 'data');
    this.log = join(this.folder, 'server.log');
    this.passwordFile = join(this.folder, 'password');
  }

  /**
   * Makes the cluster unless there is one. It is built under another name and then renamed, so that a start that is cut
   * short never leaves half a cluster, and so that of two starts at the same time one wins.
   * @throws EmbeddedPostgresError when only the data of another major version is there: an empty database beside it
   *   would look as if all data were lost
   */
  async ensureExists(): Promise<void> {
    const existing = statSync(this.folder, { throwIfNoEntry: false });
    if (existing !== undefined) return this.assertUsable(existing.uid);
    this.assertNoOtherMajor();
    await this.makeDataDir();
    await this.removeAbandoned();
    const building = `${this.folder}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
    const data = join(building, 'data');
    await mkdir(data, { recursive: true, mode: 0o700 });
    await chmod(building, 0o700);
    await writeFile(join(building, 'password'), randomBytes(24).toString('base64url'), { mode: 0o600 });
    for (const path of [building, data, join(building, 'password')]) await this.give(path);
    const { code, output } = await this.commands.run(
      'initdb',
      [
        '-D',
        this.commands.dataArgument(data),
        // The machine's locale must not matter, neither for the order of text nor for its encoding.
        '--encoding=UTF8',
        '--locale=C',
        '--username=postgres',
        '--auth=scram-sha-256',
        '--pwfile=../password',
        '--no-instructions',
      ],
      data,
    );
    if (code !== 0) {
      await rm(building, { recursive: true, force: true });
      throw new EmbeddedPostgresError(
        `The embedded PostgreSQL could not make its data folder ${this.folder}: ${output}. ${SET_DATABASE_URL}`,
      );
    }
    const settings = join(data, 'postgresql.conf');
    await writeFile(settings, `${await readFile(settings, 'utf8')}\ninclude_if_exists = 'service.conf'\n`);
    try {
      await rename(building, this.folder);
    } catch (error) {
      await rm(building, { recursive: true, force: true });
      if (!existsSync(join(this.data, 'PG_VERSION'))) throw error;
    }
  }

  async readPassword(): Promise<string> {
    return (await readFile(this.passwordFile, 'utf8')).trim();
  }

  /** Writes the settings before each start: the port changes, and other lines may change with the service's version. */
  async writeSettings(port: number, extra: Readonly<Record<string, string>>): Promise<void> {
    const settings: Record<string, string> = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      // The path of a socket has at most 107 bytes, and the folder's path may be long.
      unix_socket_directories: '',
      max_connections: String(MAX_CONNECTIONS),
      timezone: 'UTC',
      log_timezone: 'UTC',
      jit: 'off',
      idle_in_transaction_session_timeout: '5min',
      // Statements and the values in error details are clients' data, which must not be in a log file.
      log_error_verbosity: 'terse',
      log_min_error_statement: 'panic',
      log_checkpoints: 'off',
      // Statements of a killed service must not run on and hold locks. Systems other than Linux refuse this setting.
      ...(process.platform === 'linux' ? { client_connection_check_interval: '1s' } : {}),
      ...extra,
    };
    const file = join(this.data, 'service.conf');
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
    await writeFile(file, lines.join(''), { mode: 0o600 });
    await this.give(file);
  }

  /**
   * The path of the server's log for `pg_ctl -l`, relative to the data folder. A log that has become large is started
   * over.
   */
  async prepareLog(): Promise<string> {
    const size = (await stat(this.log).catch(() => undefined))?.size ?? 0;
    if (size > MAX_LOG_BYTES) await rename(this.log, `${this.log}.1`);
    return '../server.log';
  }

  /** The last lines of the server's log, which say why it did not start. */
  lastLogLines(count = 8): string {
    try {
      return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
    } catch {
      return '';
    }
  }

  private assertUsable(owner: number): void {
    const uid = this.user?.uid ?? process.getuid?.();
    if (uid !== undefined && owner !== uid) {
      throw new EmbeddedPostgresError(
        `The database in ${this.folder} belongs to another user: start the service as that user (or as root), ` +
          `or choose another folder by DATA_DIR.`,
      );
    }
    const file = join(this.data, 'PG_VERSION');
    const major = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'an unknown version';
    if (major !== String(this.major)) {
      throw new EmbeddedPostgresError(
        `${this.data} does not hold data of PostgreSQL ${this.major} but of ${major}. Nothing was touched: ` +
          `move ${this.folder} away, or use what made it.`,
      );
    }
  }

  private async makeDataDir(): Promise<void> {
    try {
      await mkdir(this.dataDir, { recursive: true });
      await access(this.dataDir, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new EmbeddedPostgresError(
        `The embedded database has no folder: ${(error as Error).message}. ` +
          `Name one by DATA_DIR that the service may write to. ${SET_DATABASE_URL}`,
        { cause: error },
      );
    }
  }

  private assertNoOtherMajor(): void {
    const entries = existsSync(this.dataDir) ? readdirSync(this.dataDir) : [];
    const others = entries.filter((entry) => /^pg\d+$/.test(entry) && entry !== `pg${this.major}`);
    if (others.length === 0) return;
    throw new EmbeddedPostgresError(
      `${this.dataDir} holds data of another PostgreSQL (${others.join(', ')}), and this version of the service runs ` +
        `PostgreSQL ${this.major}. Nothing was touched. To keep the data, dump it with the service's earlier version ` +
        `running and load it into the new database; to begin with an empty one, move ${others.join(', ')} away.`,
    );
  }

  /** Removes the remains of starts that were killed while they made the cluster. */
  private async removeAbandoned(): Promise<void> {
    for (const entry of await readdir(this.dataDir)) {
      const pid = /^pg\d+\.new-(\d+)-/.exec(entry)?.[1];
      if (pid !== undefined && !isRunning(Number(pid))) {
        await rm(join(this.dataDir, entry), { recursive: true, force: true });
      }
    }
  }

  private async give(path: string): Promise<void> {
    if (this.user !== undefined) await chown(path, this.user.uid, this.user.gid);
  }
}

export function clusterFolder(dataDir: string, major: number): string {
  return join(dataDir, `pg${major}`);
}
