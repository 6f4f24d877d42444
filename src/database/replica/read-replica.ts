import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg, { type Pool, type PoolClient } from 'pg';
import { orAbort } from '../../common/abort-signals.js';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type Reads, type Sql } from '../database.service.js';
import { onConnection } from '../on-connection.js';
import { PooledClient } from '../pooled-client.js';
import { ServerRest } from '../server-rest.js';
import { sqlOn } from '../sql-on-client.js';
import { statementOf, StatementNames } from '../statement-names.js';
import { countReplicaRead, type ReplicaOutcome, type ReplicaRead } from './replica-metrics.js';

/** How long a connection may take to open, and to close at the end of the process. */
const CONNECT_MS = 1000;
/** How long a read may take. They take milliseconds: a replica that needs longer hangs, and must not hold readers up. */
const READ_MS = 2000;

/** Conflicts with recovery (40001, with a buffer 40P01), and statements that the server cancelled. The replica is well then. */
const CANCELLED = new Set(['40001', '40P01', '57014']);

type Attempt<T> =
  { readonly outcome: 'replica'; readonly value: T } | { readonly outcome: Exclude<ReplicaOutcome, 'replica'> };

/**
 * The streaming replica of DATABASE_READ_URL, for reads that it may answer. Whatever it does not do is done at the primary:
 * nothing fails because of it, and no read waits for it longer than a second for a connection and two for an answer.
 */
@Injectable()
export class ReadReplica implements OnApplicationShutdown {
  private readonly pool: Pool | undefined;
  private readonly names: StatementNames | undefined;
  private readonly rest: ServerRest;
  /** Connections that are in use or being opened. */
  private taken = 0;

  constructor(
    private readonly primary: Database,
    clock: Clock,
    @Inject(APP_CONFIG)
    { database, role }: Pick<AppConfig, 'role'> & { readonly database: Pick<AppConfig['database'], ReplicaSettings> },
  ) {
    this.names = database.prepared ? new StatementNames() : undefined;
    this.rest = new ServerRest(clock, {
      // Without a pool nothing fails, and so nothing rests.
      trial: () => this.onConnection(this.pool as Pool, (client) => client.query('select 1')),
      logger: new Logger(ReadReplica.name),
      away: 'the read replica is away, and the primary is read',
      back: 'the read replica is back',
    });
    if (database.readUrl === '') return;
    this.pool = new pg.Pool({
      Client: PooledClient,
      connectionString: database.readUrl,
      application_name: `generation-service ${role} reads`,
      max: database.readPoolSize,
      connectionTimeoutMillis: CONNECT_MS,
      // Connections to a server that is gone are soon dropped, so that it is not taken for away when it is back.
      idleTimeoutMillis: 10_000,
      maxLifetimeSeconds: 1800,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    // An idle connection that breaks is harmless, but without a listener it would end the process.
    this.pool.on('error', () => undefined);
  }

  /** Whether there is one at all. */
  get isSet(): boolean {
    return this.pool !== undefined;
  }

  /** Whether it is there and was not away lately. */
  get isUp(): boolean {
    return this.pool !== undefined && !this.rest.isOn;
  }

  /**
   * Reads at the replica, or else at the primary.
   * @param atReplica - one statement, which must find out by itself whether the replica has replayed what its reader must see;
   *   undefined if it has not
   * @param atPrimary - the same read there: what fails at the replica is done anew
   */
  async read<T extends object>(
    what: ReplicaRead,
    atReplica: (replica: Sql) => Promise<T | undefined>,
    atPrimary: (primary: Reads) => Promise<T>,
  ): Promise<T> {
    if (this.pool === undefined) return atPrimary(this.primary);
    const attempt = await this.attempt(this.pool, atReplica);
    countReplicaRead(what, attempt.outcome);
    return attempt.outcome === 'replica' ? attempt.value : atPrimary(this.primary);
  }

  /**
   * As {@link read}, with several statements in one transaction: what the first one finds replayed, the next ones see too. Without
   * it a pooler in front of several replicas could send each to another one.
   */
  async readInTransaction<T extends object>(
    what: ReplicaRead,
    atReplica: (replica: Sql) => Promise<T | undefined>,
    atPrimary: (primary: Reads) => Promise<T>,
  ): Promise<T> {
    return this.read(what, (replica) => inTransaction(replica, atReplica), atPrimary);
  }

  /** Reads something about the replica itself; undefined where it is away. */
  async ask<T>(question: (replica: Reads) => Promise<T | undefined>): Promise<T | undefined> {
    if (this.pool === undefined) return undefined;
    const attempt = await this.attempt(this.pool, question);
    return attempt.outcome === 'replica' ? attempt.value : undefined;
  }

  async onApplicationShutdown(): Promise<void> {
    this.rest.stop();
    if (this.pool === undefined) return;
    // A server that hangs does not say goodbye, and must not hold up the end of the process.
    await orAbort(this.pool.end(), AbortSignal.timeout(CONNECT_MS)).catch(() => undefined);
  }

  private async attempt<T>(pool: Pool, work: (replica: Sql) => Promise<T | undefined>): Promise<Attempt<T>> {
    if (this.rest.isOn) return { outcome: 'resting' };
    // Who would have to wait for a connection is served sooner by the primary.
    if (this.taken >= pool.options.max) return { outcome: 'busy' };
    try {
      const value = await this.onConnection(pool, (client) =>
        work(sqlOn(client, (text, values) => statementOf(this.names, text, values))),
      );
      return value === undefined ? { outcome: 'behind' } : { outcome: 'replica', value };
    } catch (error) {
      if (CANCELLED.has(String((error as { code?: unknown }).code))) return { outcome: 'cancelled' };
      this.rest.begin(error as Error);
      return { outcome: 'away' };
    }
  }

  /** Runs `work` on a connection, in time. */
  private async onConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
    this.taken += 1;
    try {
      return await onConnection(pool, (client) => orAbort(work(client), AbortSignal.timeout(READ_MS)));
    } finally {
      this.taken -= 1;
    }
  }
}

async function inTransaction<T>(sql: Sql, work: (sql: Sql) => Promise<T>): Promise<T> {
  await sql.execute('begin read only');
  try {
    return await work(sql);
  } finally {
    // Nobody waits for it: it is on its way before whatever comes next on this connection.
    sql.execute('commit').catch(() => undefined);
  }
}

type ReplicaSettings = 'readUrl' | 'readPoolSize' | 'prepared';
