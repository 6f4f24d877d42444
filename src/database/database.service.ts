import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import pg, { type Pool, type PoolClient, type QueryConfig, type QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { SilentPool } from './silent-pool.js';
import { sqlOn } from './sql-on-client.js';
import { statementOf, StatementNames } from './statement-names.js';

/** The server has as many connections as it takes (SQLSTATE 53300). */
const TOO_MANY_CONNECTIONS = '53300';
const FULL_PAUSE_MS = [20, 100] as const;

/** Runs statements, either on any pooled connection or inside one transaction. */
export interface Sql {
  /** The rows of one statement. */
  query<T extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** The rows of one statement, each as an array of its columns: half the work when thousands are read. */
  rows<T extends unknown[]>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** The number of rows that one statement touched. */
  execute(text: string, values?: readonly unknown[]): Promise<number>;
}

/** Runs statements that only read. */
export type Reads = Pick<Sql, 'query' | 'rows'>;

/** A running transaction; use `client` only for COPY, and for several statements at once. */
export interface Transaction extends Sql {
  readonly client: PoolClient;
}

/** A transaction that its caller must end with one of these functions, because it keeps a connection of the pool. */
export interface OpenTransaction {
  readonly tx: Transaction;
  readonly commit: () => Promise<void>;
  /** Does nothing if the transaction has ended. */
  readonly rollback: () => Promise<void>;
}

/**
 * Plain SQL on the pool that TypeORM uses, for claims, COPY and frequent reads (TypeORM takes twice the time for them).
 */
@Injectable()
export class Database implements Sql {
  private readonly names: StatementNames | undefined;
  private readonly statementMs: number | undefined;
  private silence: SilentPool | undefined;

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    @Optional()
    @Inject(APP_CONFIG)
    config?: { readonly database: Pick<AppConfig['database'], 'prepared' | 'statementSeconds'> },
  ) {
    this.names = config?.database.prepared === true ? new StatementNames() : undefined;
    const seconds = config?.database.statementSeconds;
    this.statementMs = seconds === undefined ? undefined : seconds * 1000;
  }

  get pool(): Pool {
    return (this.dataSource.driver as PostgresDriver).master as Pool;
  }

  async query<T extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    if (this.statementMs !== undefined) return this.transaction((tx) => tx.query<T>(text, values));
    return (await this.withRoom(() => this.pool.query<T>(this.statement(text, values)))).rows;
  }

  async rows<T extends unknown[]>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    if (this.statementMs !== undefined) return this.transaction((tx) => tx.rows<T>(text, values));
    return (await this.withRoom(() => this.pool.query<T>({ ...this.statement(text, values), rowMode: 'array' }))).rows;
  }

  async execute(text: string, values: readonly unknown[] = []): Promise<number> {
    if (this.statementMs !== undefined) return this.transaction((tx) => tx.execute(text, values));
    return (await this.withRoom(() => this.pool.query(this.statement(text, values)))).rowCount ?? 0;
  }

  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const open = await this.begin();
    try {
      const result = await work(open.tx);
      await open.commit();
      return result;
    } catch (error) {
      await open.rollback();
      throw error;
    }
  }

  /** Begins a transaction that the caller must end. If the work is one function, use {@link transaction}. */
  async begin(): Promise<OpenTransaction> {
    const client = await this.withRoom(() => this.pool.connect());
    // A connection that breaks between statements must not end the process.
    let broken: Error | undefined;
    const onError = (error: Error) => (broken = error);
    client.on('error', onError);
    let ended = false;
    const end = () => {
      ended = true;
      client.off('error', onError);
      client.release(broken);
    };
    const rollback = async () => {
      if (ended) return;
      await client.query('rollback').catch((failure: Error) => (broken = failure));
      end();
    };
    try {
      await client.query('begin');
      // Of the transaction alone: a pooler would keep what is set for a session, and gives it to others.
      if (this.statementMs !== undefined)
        await client.query(`select set_config('statement_timeout', $1, true)`, [`${this.statementMs}ms`]);
    } catch (error) {
      await rollback();
      throw error;
    }
    const commit = async () => {
      await client.query('commit');
      end();
    };
    return { tx: this.transactionOn(client), commit, rollback };
  }

  /** Whether {@link begin} would get a connection without waiting. */
  get hasFreeConnection(): boolean {
    const { idleCount, totalCount, waitingCount, options } = this.pool;
    return waitingCount === 0 && (idleCount > 0 || totalCount < options.max);
  }

  /**
   * A few connections of their own to the same database, for statements that must neither wait for those of the pool nor hold them up.
   * Whoever asks for them must `end` them before the application has closed.
   * @param deadlineMs - how long a statement may wait for a connection, and how long it may then take
   */
  sidePool(connections: number, deadlineMs: number): Pool {
    const { options } = this.pool;
    const side = new pg.Pool({
      ...options,
      // pg hides these two, so that they are not logged.
      password: options.password,
      ssl: options.ssl,
      max: connections,
      // The others close when they have been idle for a while.
      min: 1,
      connectionTimeoutMillis: deadlineMs,
      query_timeout: deadlineMs,
    });
    // An idle connection that breaks is replaced when the next statement comes; without a listener it would end the process.
    side.on('error', () => undefined);
    return side;
  }

  /**
   * Does what needs a connection. A pool that may open another one fails at once when the server has no room for it, though its own
   * connections are free again in some milliseconds: those are waited for, as long as for a pool that is busy.
   */
  private async withRoom<T>(work: () => Promise<T>): Promise<T> {
    const end = performance.now() + (this.pool.options.connectionTimeoutMillis ?? 0);
    this.silence ??= new SilentPool(this.pool);
    for (;;) {
      try {
        const done = await work();
        this.silence.heard();
        return done;
      } catch (error) {
        this.silence.failed(error);
        const full = (error as { code?: unknown }).code === TOO_MANY_CONNECTIONS;
        if (!full || this.pool.totalCount === 0 || performance.now() > end) throw error;
      }
      await sleep(FULL_PAUSE_MS[0] + Math.random() * (FULL_PAUSE_MS[1] - FULL_PAUSE_MS[0]));
    }
  }

  private transactionOn(client: PoolClient): Transaction {
    return { client, ...sqlOn(client, (text, values) => this.statement(text, values)) };
  }

  private statement(text: string, values: readonly unknown[]): QueryConfig<unknown[]> {
    return statementOf(this.names, text, values);
  }
}
