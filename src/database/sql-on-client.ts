import type { ClientBase, QueryConfig, QueryResultRow } from 'pg';
import type { Sql } from './database.service.js';

/** Runs statements on one connection. @param statement - what pg is given for a text and its values */
export function sqlOn(
  client: Pick<ClientBase, 'query'>,
  statement: (text: string, values: readonly unknown[]) => QueryConfig<unknown[]>,
): Sql {
  return {
    query: async <T extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await client.query<T>(statement(text, values))).rows,
    rows: async <T extends unknown[]>(text: string, values: readonly unknown[] = []) =>
      (await client.query<T>({ ...statement(text, values), rowMode: 'array' })).rows,
    execute: async (text, values = []) => (await client.query(statement(text, values))).rowCount ?? 0,
  };
}
