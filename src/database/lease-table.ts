/**
 * A table whose rows are claimed with a lease, held by a token in `lock_token`; the end of the lease is also when the row is due
 * next. Every text here becomes part of SQL: constants of the code only.
 */
export interface LeaseTable {
  readonly name: string;
  /** The primary key's columns. */
  readonly key: readonly string[];
  /** timestamptz, never null: when the row is due next, and meanwhile when the lease ends. */
  readonly until: string;
}

export function dueTable(name: string, key: readonly string[], until: string): LeaseTable {
  return { name, key, until };
}

/** `t.a = n.a and t.b = n.b` */
export function sameKey(table: LeaseTable, left: string, right: string): string {
  return table.key.map((column) => `${left}.${column} = ${right}.${column}`).join(' and ');
}

/** `a = $1 and b = $2`, counted from `first`. */
export function keyIs(table: LeaseTable, first: number): string {
  return table.key.map((column, index) => `${column} = $${first + index}`).join(' and ');
}
