import { Logger } from '@nestjs/common';
import type { Pool, QueryConfig, QueryResult } from 'pg';
import type { Clock } from '../../common/clock.js';
import type { Database } from '../../database/database.service.js';
import { statementOf, StatementNames } from '../../database/statement-names.js';

/** Enough for thousands of statements a second, and few enough that no crowd waits for the row of one busy key. */
const CONNECTIONS = 2;
/**
 * How long a statement may wait for a connection, and how long it may then take. A usual one takes less than a millisecond; with 1 s a
 * process that was just started on an overloaded machine took the database for being away.
 */
const DEADLINE_MS = 2000;
/** How long nothing is sent after a failure, so that few requests wait for the deadline. */
const REST_MS = 5000;
const RESTS = 'the database did not answer lately';

export interface LimitsConnectionOptions {
  /** Ends without an error when the tables can be written to; it must not wait long itself. */
  readonly trial: string;
  /** DATABASE_PREPARED. */
  readonly prepared: boolean;
}

/**
 * The connections by which limits are counted in the database. They are not those of the requests' own work: nobody waits here because
 * others use the database, and a lock on these tables stops the counting alone. After a failure statements fail at once, until one that
 * belongs to no request has found the tables usable again.
 */
export class LimitsConnection {
  private readonly logger = new Logger(LimitsConnection.name);
  private readonly names: StatementNames | undefined;
  private pool: Pool | undefined;
  /** By the clock; undefined while the database answers. */
  private restsUntil: number | undefined;
  private trying: Promise<void> | undefined;

  constructor(
    private readonly database: Pick<Database, 'sidePool'>,
    private readonly clock: Clock,
    private readonly options: LimitsConnectionOptions,
  ) {
    this.names = options.prepared ? new StatementNames() : undefined;
  }

  /** Opens the first connection, so that no request waits for it. */
  async begin(): Promise<void> {
    try {
      await this.open().query(this.options.trial);
    } catch (error) {
      this.rest(error as Error);
    }
  }

  /** @throws when the database does not answer in time, or did not lately */
  async query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    if (this.restsUntil !== undefined) {
      void this.tryAgain();
      throw new Error(RESTS);
    }
    try {
      return await this.send(statementOf(this.names, text, values));
    } catch (error) {
      this.rest(error as Error);
      throw error;
    }
  }

  /** Resolves when it is known whether the tables can be used again; does nothing before the rest is over. */
  async tryAgain(): Promise<void> {
    if (this.restsUntil === undefined || this.clock.now() < this.restsUntil) return;
    this.trying ??= this.tryTables().finally(() => (this.trying = undefined));
    await this.trying;
  }

  async close(): Promise<void> {
    await this.pool?.end();
  }

  private async send(statement: QueryConfig): Promise<QueryResult> {
    const client = await this.open().connect();
    let broken: Error | undefined;
    // A connection that breaks tells its statement so, and must not end the process besides.
    const onError = (error: Error) => (broken = error);
    client.on('error', onError);
    try {
      // Another statement may have failed while this one waited for a connection: one wait for the deadline is enough.
      if (this.restsUntil !== undefined) throw new Error(RESTS);
      return await client.query(statement);
    } catch (error) {
      // After its deadline the statement may still run, so its connection is closed.
      broken = error as Error;
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  private async tryTables(): Promise<void> {
    try {
      await this.open().query(this.options.trial);
      this.restsUntil = undefined;
      this.logger.log('limits are counted in the database again');
    } catch {
      this.restsUntil = this.clock.now() + REST_MS;
    }
  }

  private rest(error: Error): void {
    if (this.restsUntil === undefined) {
      const { message: reason } = error;
      this.logger.warn('limits are counted by this process alone: the database does not answer', { reason });
    }
    this.restsUntil = this.clock.now() + REST_MS;
  }

  /** Made with the first statement: with RATE_LIMIT_STORE=memory there is none. */
  private open(): Pool {
    this.pool ??= this.database.sidePool(CONNECTIONS, DEADLINE_MS);
    return this.pool;
  }
}
