/**
 * A table whose rows are claimed with a lease. The column `lock_token` has the lease's token. A single column has both
 * the time when the row is due next and, while it is claimed, the time when the lease ends. All texts here become part
 * of SQL, so they must be constants of the code.
 */
export interface LeaseTable {
  readonly name: string;
  /** The primary key's columns. */
  readonly key: readonly string[];
  /** A timestamptz that is never null: when the row is due next or, while it is claimed, when the lease ends. */
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
