import { Logger } from '@nestjs/common';
import type { Pool, QueryResult } from 'pg';
import type { Clock } from '../../common/clock.js';
import type { Database } from '../../database/database.service.js';
import { onConnection } from '../../database/on-connection.js';
import { ServerRest } from '../../database/server-rest.js';
import { statementOf, StatementNames } from '../../database/statement-names.js';

/** Enough for thousands of statements a second, and few enough that no crowd waits for the row of one busy key. */
const CONNECTIONS = 2;
/**
 * How long a statement may wait for a connection, and how long it may then take. A usual one takes less than a millisecond; with 1 s a
 * process that was just started on an overloaded machine took the database for being away.
 */
const DEADLINE_MS = 2000;

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
  private readonly names: StatementNames | undefined;
  private readonly rest: ServerRest;
  private pool: Pool | undefined;

  constructor(
    private readonly database: Pick<Database, 'sidePool'>,
    clock: Clock,
    private readonly options: LimitsConnectionOptions,
  ) {
    this.names = options.prepared ? new StatementNames() : undefined;
    this.rest = new ServerRest(clock, {
      trial: () => this.tryTables(),
      logger: new Logger(LimitsConnection.name),
      away: 'limits are counted by this process alone: the database does not answer',
      back: 'limits are counted in the database again',
    });
  }

  /** Whether the tables are left alone after a failure. */
  get rests(): boolean {
    return this.rest.isOn;
  }

  /** Opens the first connection, so that no request waits for it. */
  async begin(): Promise<void> {
    await this.tryTables().catch((error: Error) => this.rest.begin(error));
  }

  /** @throws when the database does not answer in time, or did not lately */
  async query(text: string, values: readonly unknown[]): Promise<QueryResult> {
    this.refuseAtRest();
    try {
      return await onConnection(this.open(), async (client) => {
        // Another statement may have failed while this one waited for a connection: one wait for the deadline is enough.
        this.refuseAtRest();
        return client.query(statementOf(this.names, text, values));
      });
    } catch (error) {
      this.rest.begin(error as Error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.rest.stop();
    await this.pool?.end();
  }

  private async tryTables(): Promise<void> {
    await this.open().query(this.options.trial);
  }

  private refuseAtRest(): void {
    if (this.rest.isOn) throw new Error('the database did not answer lately');
  }

  /** Made with the first statement: with RATE_LIMIT_STORE=memory there is none. */
  private open(): Pool {
    this.pool ??= this.database.sidePool(CONNECTIONS, DEADLINE_MS);
    return this.pool;
  }
}
