import type { Sql } from './database.service.js';

/** Rows that are removed step by step. Every text becomes part of SQL: constants of the code only. */
export interface RowsToRemove {
  readonly table: string;
  /** Its key's columns. Rows are named by their keys: a bare ctid is another row in each partition of a table. */
  readonly key: string;
  /** Which rows go; `$1` is what the caller names. */
  readonly where: string;
}

/** Removes up to `limit` of the rows. @returns how many there were */
export function deleteSome(sql: Sql, rows: RowsToRemove, of: unknown, limit: number): Promise<number> {
  const { table, key, where } = rows;
  return sql.execute(`delete from ${table} where (${key}) in (select ${key} from ${table} where ${where} limit $2)`, [
    of,
    limit,
  ]);
}
