import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg, { type Pool, type PoolClient } from 'pg';
import { orAbort } from '../../common/abort-signals.js';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type Reads } from '../database.service.js';
import { hasFreeConnection } from '../free-connection.js';
import { sqlOn } from '../sql-on-client.js';
import { statementOf, StatementNames } from '../statement-names.js';
import { countReplicaRead, type ReplicaOutcome, type ReplicaRead } from './replica-metrics.js';

/** How long a connection, and the first questions on it, may take: a replica that hangs must not hold readers up. */
const ANSWER_MS = 1000;
/** How long a read may take. Most take milliseconds; what takes longer is read at the primary. */
const READ_MS = 5000;
/** How long a replica that was away is left alone before it is asked whether it is back. */
const REST_MS = 5000;

/**
 * A transaction on one server: what the first statement there finds replayed, the next one sees too, also behind a pooler or an
 * address with several replicas. Its limit is the transaction's own, because a pooler would keep what is set for a session.
 */
const BEGIN = `begin read only; set local statement_timeout = ${READ_MS}`;

/** Conflicts with recovery (40001, with a buffer 40P01), and statements that the server cancelled. The replica is well then. */
const CANCELLED = new Set(['40001', '40P01', '57014']);

type Attempt<T> =
  { readonly outcome: 'replica'; readonly value: T } | { readonly outcome: Exclude<ReplicaOutcome, 'replica'> };

/**
 * The streaming replica of DATABASE_READ_URL, for reads that it may answer. Whatever it does not do is done at the primary:
 * nothing fails because of it, and no request waits for it longer than a second to answer and five to read.
 */
@Injectable()
export class ReadReplica implements OnApplicationShutdown {
  private readonly logger = new Logger(ReadReplica.name);
  private readonly pool: Pool | undefined;
  private readonly names: StatementNames | undefined;
  private readonly stopping = new AbortController();
  private away = false;

  constructor(
    private readonly primary: Database,
    private readonly clock: Clock,
    @Inject(APP_CONFIG)
    { database, role }: Pick<AppConfig, 'role'> & { readonly database: Pick<AppConfig['database'], ReplicaSettings> },
  ) {
    this.names = database.prepared ? new StatementNames() : undefined;
    if (database.readUrl === '') return;
    this.pool = new pg.Pool({
      connectionString: database.readUrl,
      application_name: `generation-service ${role} reads`,
      max: database.readPoolSize,
      connectionTimeoutMillis: ANSWER_MS,
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
    return this.pool !== undefined && !this.away;
  }

  /**
   * Reads at the replica, or else at the primary.
   * @param isThere - asked at the replica: whether it has replayed all that `work` must see
   * @param work - reads that can be done again: what fails at the replica is done anew at the primary
   */
  async read<T>(
    what: ReplicaRead,
    isThere: (replica: Reads) => Promise<boolean>,
    work: (sql: Reads) => Promise<T>,
  ): Promise<T> {
    if (this.pool === undefined) return work(this.primary);
    const attempt = await this.attempt(this.pool, isThere, work);
    countReplicaRead(what, attempt.outcome);
    return attempt.outcome === 'replica' ? attempt.value : work(this.primary);
  }

  /** Reads something about the replica itself; undefined where it is away. */
  async ask<T>(question: (replica: Reads) => Promise<T>): Promise<T | undefined> {
    if (this.pool === undefined) return undefined;
    const attempt = await this.attempt(this.pool, () => Promise.resolve(true), question);
    return attempt.outcome === 'replica' ? attempt.value : undefined;
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    if (this.pool === undefined) return;
    // A server that hangs does not say goodbye, and must not hold up the end of the process.
    await orAbort(this.pool.end(), AbortSignal.timeout(ANSWER_MS)).catch(() => undefined);
  }

  private async attempt<T>(
    pool: Pool,
    isThere: (replica: Reads) => Promise<boolean>,
    work: (replica: Reads) => Promise<T>,
  ): Promise<Attempt<T>> {
    if (this.away) return { outcome: 'resting' };
    if (!hasFreeConnection(pool)) return { outcome: 'busy' };
    try {
      return await this.onConnection(pool, async (client): Promise<Attempt<T>> => {
        await orAbort(client.query(BEGIN), AbortSignal.timeout(ANSWER_MS));
        const sql = sqlOn(client, (text, values) => statementOf(this.names, text, values));
        if (!(await orAbort(isThere(sql), AbortSignal.timeout(ANSWER_MS)))) return { outcome: 'behind' };
        return { outcome: 'replica', value: await orAbort(work(sql), AbortSignal.timeout(READ_MS)) };
      });
    } catch (error) {
      if (CANCELLED.has(String((error as { code?: unknown }).code))) return { outcome: 'cancelled' };
      this.rest(pool, error as Error);
      return { outcome: 'away' };
    }
  }

  /** Runs `work` on a connection. One on which something failed is closed: the next is opened in a millisecond. */
  private async onConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    // A connection that breaks between statements must not end the process.
    let broken: Error | undefined;
    const onError = (error: Error) => (broken = error);
    client.on('error', onError);
    const release = (error?: Error) => {
      client.off('error', onError);
      client.release(error ?? broken);
    };
    try {
      const result = await work(client);
      // Who asked does not wait for it.
      orAbort(client.query('commit'), AbortSignal.timeout(ANSWER_MS)).then(() => release(), release);
      return result;
    } catch (error) {
      release(error as Error);
      throw error;
    }
  }

  private rest(pool: Pool, { message, code }: Error & { code?: unknown }): void {
    if (this.away || this.stopping.signal.aborted) return;
    this.away = true;
    this.logger.warn('the read replica is away, and the primary is read', { reason: message || code });
    this.untilBack(pool).then(
      () => {
        this.away = false;
        this.logger.log('the read replica is back');
      },
      // The process is ending.
      () => undefined,
    );
  }

  /** Asks by itself, so that no client's request has to try. */
  private async untilBack(pool: Pool): Promise<void> {
    for (;;) {
      await this.clock.sleep(REST_MS, this.stopping.signal);
      try {
        await this.onConnection(pool, (client) => orAbort(client.query(BEGIN), AbortSignal.timeout(ANSWER_MS)));
        return;
      } catch {
        // It is still away.
      }
    }
  }
}

type ReplicaSettings = 'readUrl' | 'readPoolSize' | 'prepared';
