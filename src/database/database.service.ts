import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';

/** Where a statement runs: on any pooled connection, or inside one transaction. */
export interface Sql {
  /** The rows of one statement. */
  query<T extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** The number of rows that one statement touched. */
  execute(text: string, values?: readonly unknown[]): Promise<number>;
}

/** A running transaction; `client` is for COPY and cursors only. */
export interface Transaction extends Sql {
  readonly client: PoolClient;
}

/** Plain SQL on the very pool that TypeORM uses: claims, COPY and hot reads (TypeORM's own path costs twice the time). */
@Injectable()
export class Database implements Sql {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  get pool(): Pool {
    return (this.dataSource.driver as PostgresDriver).master as Pool;
  }

  async query<T extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.pool.query<T>(text, values as unknown[])).rows;
  }

  async execute(text: string, values: readonly unknown[] = []): Promise<number> {
    return (await this.pool.query(text, values as unknown[])).rowCount ?? 0;
  }

  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    // A connection that breaks between statements must not end the process.
    let broken: Error | undefined;
    const onError = (error: Error) => (broken = error);
    client.on('error', onError);
    try {
      await client.query('begin');
      const result = await work(transactionOn(client));
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}

function transactionOn(client: PoolClient): Transaction {
  return {
    client,
    query: async <T extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await client.query<T>(text, values as unknown[])).rows,
    execute: async (text, values = []) => (await client.query(text, values as unknown[])).rowCount ?? 0,
  };
}
