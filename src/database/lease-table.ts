/**
 * A table whose rows are claimed with a lease. Every text here becomes part of SQL: constants of the code only.
 */
export interface LeaseTable {
  readonly name: string;
  /** The primary key's columns. */
  readonly key: readonly string[];
  /** timestamptz: when the lease ends (`locked_until`), or when the row is due next (`next_check_at`). */
  readonly until: string;
  /** uuid: who holds the row. */
  readonly token: string;
  /** True where null in `until` means that nobody holds the row; false where the column is `not null`. */
  readonly freeWhenNull: boolean;
}

/** A table with the usual pair of columns, `locked_until` and `lock_token`. */
export function leaseTable(name: string, key: readonly string[]): LeaseTable {
  return { name, key, until: 'locked_until', token: 'lock_token', freeWhenNull: true };
}

/** A table in which the end of the lease is also when the row is due next. */
export function dueTable(name: string, key: readonly string[], until: string): LeaseTable {
  return { name, key, until, token: 'lock_token', freeWhenNull: false };
}

/** `t.a = n.a and t.b = n.b` */
export function sameKey(table: LeaseTable, left: string, right: string): string {
  return table.key.map((column) => `${left}.${column} = ${right}.${column}`).join(' and ');
}

/** `a = $1 and b = $2`, counted from `first`. */
export function keyIs(table: LeaseTable, first: number): string {
  return table.key.map((column, index) => `${column} = $${first + index}`).join(' and ');
}
