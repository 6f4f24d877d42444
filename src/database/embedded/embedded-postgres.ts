import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggerService } from '@nestjs/common';
import pg from 'pg';
import { Cluster, clusterFolder } from './cluster.js';
import { EmbeddedPostgresError, SET_DATABASE_URL } from './embedded-error.js';
import { locatePostgresPackage, prepareNativeFolder } from './native-package.js';
import { hasProcesses, inspectServer } from './postmaster-file.js';
import { DATABASE, embeddedUrl } from './running-server.js';
import { ServerCommands } from './server-commands.js';
import { chooseServerUser } from './server-user.js';

export interface EmbeddedPostgresOptions {
  /** The setting DATA_DIR; the cluster is in its folder pg<major>/. */
  readonly dataDir: string;
  readonly logger: Pick<LoggerService, 'log' | 'warn' | 'error'>;
  /** Further lines of postgresql.conf; the tests switch fsync off. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** The URL of the database `generation` for a superuser. It has the password, so it must never be logged. */
  readonly url: string;
  /** Stops the server. It is the last step of a shutdown, after the pool is closed, and may be called twice. */
  readonly stop: () => Promise<void>;
}

/** Any fixed number. The process that holds this advisory lock owns the cluster. */
const OWNER_LOCK = 7_402_118_650;
const POLL_MS = 100;
/** The connection of a killed owner ends within milliseconds; if the lock is held longer, its owner is alive. */
const OWNER_PATIENCE_MS = 2000;
/** How often a start is tried: a port may be taken between its choice and its use. */
const START_ATTEMPTS = 10;
/** Recovery after a crash may take minutes. */
const ACQUIRE_TIMEOUT_MS = 600_000;

/** Error codes while the server starts or stops, and of connections that break meanwhile. */
const NOT_READY = new Set(['57P03', '57P01', '53300', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/**
 * Starts the embedded server of `dataDir`, or adopts the one that a killed process left running.
 * While this process lives, the server is watched, and is started again on the same port if it dies.
 * @throws EmbeddedPostgresError when it cannot be used, for example without a package for this platform
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir } = options;
  const postgres = await locatePostgresPackage();
  const user = chooseServerUser(clusterFolder(dataDir, Number.parseInt(postgres.version, 10)));
  const native = await prepareNativeFolder(postgres, user, [dataDir, '/var/tmp', tmpdir()]);
  const commands = new ServerCommands(join(native, 'bin'), user);
  const cluster = new Cluster(dataDir, await commands.majorVersion(), user, commands);
  await cluster.ensureExists();
  const server = new EmbeddedServer(cluster, commands, options);
  const url = await server.start();
  return { url, stop: () => server.stop() };
}

class EmbeddedServer {
  /** The one connection that holds {@link OWNER_LOCK}. */
  private owner: pg.Client | undefined;
  private port: number | undefined;
  private password = '';
  private stopped: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private revival: Promise<void> = Promise.resolve();

  constructor(
    private readonly cluster: Cluster,
    private readonly commands: ServerCommands,
    private readonly options: EmbeddedPostgresOptions,
  ) {}

  /** @returns the URL of the service's database, which stays valid when the server is restarted */
  async start(): Promise<string> {
    this.password = await this.cluster.readPassword();
    await this.acquire();
    await this.createDatabase();
    return embeddedUrl(this.password, this.port as number);
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopOnce();
    return this.stopped;
  }

  private async stopOnce(): Promise<void> {
    this.stopping.abort();
    await this.revival;
    // The lock is held until the server itself ends this connection, so no process adopts a server that is about to
    // stop.
    const stopped = await this.pgCtl('stop', '-m', 'fast', '-w', '-t', '30');
    if (stopped.code !== 0 && inspectServer(this.cluster.data).kind === 'alive') {
      this.options.logger.warn('the embedded database does not stop in time and is stopped at once', {
        output: stopped.output,
      });
      await this.pgCtl('stop', '-m', 'immediate', '-w', '-t', '30');
    }
    await this.owner?.end().catch(() => undefined);
  }

  /** Works until this process owns a running server: adopts one that runs, or starts one. */
  private async acquire(): Promise<void> {
    const deadline = performance.now() + ACQUIRE_TIMEOUT_MS;
    let failedStarts = 0;
    let lockedSince: number | undefined;
    while (performance.now() < deadline) {
      this.stopping.signal.throwIfAborted();
      const state = inspectServer(this.cluster.data);
      if (state.kind === 'stale') {
        await this.removeStaleFile(state.pid);
      } else if (state.kind === 'none') {
        const failure = await this.startServer();
        // Child processes of a killed server are still ending their work. That must be waited for and is not a failure.
        if (failure === undefined || hasProcesses(this.cluster.data)) failedStarts = 0;
        else if (++failedStarts >= START_ATTEMPTS) throw this.startFailed(failure);
      } else if (state.port !== undefined) {
        const attempt = await this.connectAsOwner(state.port);
        if (attempt === 'owned') return;
        lockedSince = attempt === 'locked' ? (lockedSince ?? performance.now()) : undefined;
        if (lockedSince !== undefined && performance.now() - lockedSince > OWNER_PATIENCE_MS)
          throw this.ownedElsewhere();
      }
      await sleep(POLL_MS);
    }
    throw this.startFailed('it does not become ready');
  }

  /** @returns why it did not start, or undefined when it did */
  private async startServer(): Promise<string | undefined> {
    await this.cluster.writeSettings(this.port ?? (await freePort()), this.options.settings ?? {});
    const log = await this.cluster.prepareLog();
    // pg_ctl waits ten minutes, longer than `acquire`, so that it never cuts a recovery short.
    const { code, output } = await this.pgCtl('start', '-w', '-t', '600', '-l', log);
    return code === 0 ? undefined : output;
  }

  private async connectAsOwner(port: number): Promise<'owned' | 'locked' | 'not ready'> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password: this.password,
      database: 'postgres',
      application_name: `generation-service owner ${process.pid}`,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    });
    // Until it owns the server, only the awaited calls below report errors.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
        OWNER_LOCK,
      ]);
      if (rows[0]?.locked === true) {
        this.owner = client;
        this.port = port;
        client.once('end', () => this.ownerConnectionEnded());
        return 'owned';
      }
      await client.end();
      return 'locked';
    } catch (error) {
      void client.end().catch(() => undefined);
      const { code, message } = error as { code?: string; message: string };
      if ((code !== undefined && NOT_READY.has(code)) || /terminated|timeout/.test(message)) return 'not ready';
      throw new EmbeddedPostgresError(
        `The embedded database in ${this.cluster.folder} refuses the service: ${message}. ` +
          `Its password lies in the file "password" there; if that was changed, put the old one back.`,
        { cause: error },
      );
    }
  }

  private ownerConnectionEnded(): void {
    this.owner = undefined;
    if (this.stopping.signal.aborted) return;
    this.options.logger.warn('the embedded database has stopped and is being started again');
    this.revival = this.revive();
  }

  /**
   * Brings the server back, and never gives up while the service lives: without its database it can only answer 503.
   */
  private async revive(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.acquire();
        this.options.logger.log('the embedded database is running again');
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.options.logger.error('the embedded database could not be started again', {
          reason: (error as Error).message,
        });
        await sleep(1000, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async removeStaleFile(pid: number | undefined): Promise<void> {
    if (hasProcesses(this.cluster.data)) return;
    this.options.logger.warn('removing postmaster.pid: its server is gone and the process id is another program', {
      pid,
    });
    await rm(join(this.cluster.data, 'postmaster.pid'), { force: true });
  }

  /** Creates the database. It is separate from making the cluster, because a start may be killed between the two. */
  private async createDatabase(): Promise<void> {
    const owner = this.owner;
    if (owner === undefined) throw this.startFailed('it went away at once');
    const { rowCount } = await owner.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await owner.query(`create database ${DATABASE}`);
  }

  private pgCtl(action: 'start' | 'stop', ...args: string[]): Promise<{ code: number; output: string }> {
    const { data } = this.cluster;
    return this.commands.run('pg_ctl', [action, '-D', this.commands.dataArgument(data), '-s', ...args], data);
  }

  private startFailed(reason: string): EmbeddedPostgresError {
    return new EmbeddedPostgresError(
      `The embedded PostgreSQL does not start: ${reason}\n${this.cluster.lastLogLines()}\n${SET_DATABASE_URL}`,
    );
  }

  private ownedElsewhere(): EmbeddedPostgresError {
    return new EmbeddedPostgresError(
      `Another running service uses the embedded database in ${this.cluster.folder}. ` +
        `Stop it first, or give this one a folder of its own by DATA_DIR. ${SET_DATABASE_URL}`,
    );
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
