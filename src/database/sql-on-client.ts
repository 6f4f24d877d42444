import type { ClientBase, QueryConfig, QueryResultRow } from 'pg';

/** The functions of `Sql` on one connection. @param statement - what pg is given for a text and its values */
export function sqlOn(
  client: Pick<ClientBase, 'query'>,
  statement: (text: string, values: readonly unknown[]) => QueryConfig<unknown[]>,
): {
  query: <T extends QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<T[]>;
  rows: <T extends unknown[]>(text: string, values?: readonly unknown[]) => Promise<T[]>;
  execute: (text: string, values?: readonly unknown[]) => Promise<number>;
} {
  return {
    query: async <T extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await client.query<T>(statement(text, values))).rows,
    rows: async <T extends unknown[]>(text: string, values: readonly unknown[] = []) =>
      (await client.query<T>({ ...statement(text, values), rowMode: 'array' })).rows,
    execute: async (text: string, values: readonly unknown[] = []) =>
      (await client.query(statement(text, values))).rowCount ?? 0,
  };
}
