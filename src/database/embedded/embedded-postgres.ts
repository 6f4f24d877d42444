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
import { ServerCommands } from './server-commands.js';
import { chooseServerUser } from './server-user.js';

export interface EmbeddedPostgresOptions {
  /** DATA_DIR; the cluster lies in its folder pg<major>/. */
  readonly dataDir: string;
  readonly logger: Pick<LoggerService, 'log' | 'warn' | 'error'>;
  /** Further lines of postgresql.conf; the tests switch fsync off. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** Of the database `generation`, for a superuser, password included: never to be logged. */
  readonly url: string;
  /** Stops the server; the last step of a shutdown, after the pool's end. Safe to call twice. */
  readonly stop: () => Promise<void>;
}

const DATABASE = 'generation';
/** Any fixed number: whoever holds this advisory lock owns the cluster. */
const OWNER_LOCK = 7_402_118_650;
const POLL_MS = 100;
/** A killed owner's connection ends within milliseconds; one that is held longer has a living owner. */
const OWNER_PATIENCE_MS = 2000;
/** More than one, because a port may be taken between its choice and its use. */
const START_ATTEMPTS = 10;
/** Recovery after a crash may take minutes. */
const ACQUIRE_TIMEOUT_MS = 600_000;

/** The server's answers while it starts or stops, and a connection cut by either. */
const NOT_READY = new Set(['57P03', '57P01', '53300', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/**
 * Starts the embedded server of `dataDir`, or adopts the one that a killed process left running.
 * As long as this process lives the server is watched, and started again on the same port when it dies.
 * @throws EmbeddedPostgresError when it cannot be had: no package for this platform, owned by another process, …
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

  /** @returns the URL of the service's database; it stays true through every restart of the server */
  async start(): Promise<string> {
    this.password = await this.cluster.readPassword();
    await this.acquire();
    await this.createDatabase();
    return `postgres://postgres:${encodeURIComponent(this.password)}@127.0.0.1:${this.port}/${DATABASE}`;
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopOnce();
    return this.stopped;
  }

  private async stopOnce(): Promise<void> {
    this.stopping.abort();
    await this.revival;
    // The lock is kept until the server itself ends this connection: nobody adopts a server that is about to stop.
    const stopped = await this.pgCtl('stop', '-m', 'fast', '-w', '-t', '30');
    if (stopped.code !== 0 && inspectServer(this.cluster.data).kind === 'alive') {
      this.options.logger.warn('embedded database does not stop; cutting it short', { output: stopped.output });
      await this.pgCtl('stop', '-m', 'immediate', '-w', '-t', '30');
    }
    await this.owner?.end().catch(() => undefined);
  }

  /** Until this process owns a running server: adopts a running one, starts one where there is none. */
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
        // Children of a killed server still end their work: that is to be waited for, not a failure.
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

  /** @returns why it would not start */
  private async startServer(): Promise<string | undefined> {
    await this.cluster.writeSettings(this.port ?? (await freePort()), this.options.settings ?? {});
    const log = await this.cluster.prepareLog();
    // Ten minutes at most: longer than `acquire` waits, so that a recovery is never cut short by pg_ctl's impatience.
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
    // Before it owns the server nothing but the awaited calls below may report trouble.
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
    this.options.logger.warn('embedded database went away; getting it back');
    this.revival = this.revive();
  }

  /** Never gives up while the service lives: without its database it can only answer 503. */
  private async revive(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.acquire();
        this.options.logger.log('embedded database is back');
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.options.logger.error('embedded database does not come back', { reason: (error as Error).message });
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

  /** Not part of making the cluster: a start may be killed between the two. */
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
