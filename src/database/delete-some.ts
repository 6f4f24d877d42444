import type { Sql } from './database.service.js';

/** Rows that are removed step by step. Every text becomes part of SQL, so it must be a constant of the code. */
export interface RowsToRemove {
  readonly table: string;
  /** The columns of the primary key. A ctid would not do: each partition of a table has a row with the same ctid. */
  readonly key: string;
  /** The condition of the rows to remove; `$1` is a value of the caller. */
  readonly where: string;
}

/** Removes up to `limit` of the rows. @returns how many were removed */
export function deleteSome(sql: Sql, rows: RowsToRemove, of: unknown, limit: number): Promise<number> {
  const { table, key, where } = rows;
  return sql.execute(`delete from ${table} where (${key}) in (select ${key} from ${table} where ${where} limit $2)`, [
    of,
    limit,
  ]);
}
