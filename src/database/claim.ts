import type { QueryResultRow } from 'pg';
import type { Sql } from './database.service.js';
import { sameKey, type LeaseTable } from './lease-table.js';

/** Which rows to claim. The texts are constants of the code; everything that varies is in `values`. */
export interface ClaimRequest {
  readonly table: LeaseTable;
  /**
   * An SQL condition on the table's columns, without the table's name. Its parameters begin with `$1`. The claim adds
   * the condition that no lease holds the row.
   */
  readonly where: string;
  readonly values?: readonly unknown[];
  /** As in SQL: `next_attempt_at, id`. */
  readonly orderBy: string;
  readonly limit: number;
  readonly leaseSeconds: number;
}

/** A row that this process holds until its lease ends. */
export interface Claim<T extends QueryResultRow> {
  /** All columns, as they are after the claim. */
  readonly row: T;
  readonly table: LeaseTable;
  readonly key: readonly unknown[];
  readonly token: string;
  readonly leaseSeconds: number;
  /**
   * When the lease ends by this process's own monotonic clock (`performance.now()`, ms). It is counted from before the
   * statement was sent, so it is never later than the end that PostgreSQL wrote.
   */
  readonly heldUntil: number;
  /**
   * True when the process that held the row before did not release it: its lease ran out. What it wrote last may be there in part,
   * where a transaction has rows on several servers.
   */
  readonly takenOver: boolean;
}

/**
 * Claims up to `limit` rows in one statement. No replica waits for another, no row is claimed twice, and no lock is
 * held after the statement. Only PostgreSQL's clock decides whether a row is free, because the clocks of replicas
 * differ. (The condition uses `statement_timestamp()`, because an index cannot be used with the volatile
 * `clock_timestamp()`.)
 */
export async function claimMany<T extends QueryResultRow>(sql: Sql, request: ClaimRequest): Promise<Claim<T>[]> {
  const { table, values = [], leaseSeconds } = request;
  const sentAt = performance.now();
  const rows = await sql.query<T & { claim_order: unknown; taken_over: boolean }>(
    claimStatement(request, values.length),
    [...values, request.limit, leaseSeconds],
  );
  return rows.map(({ claim_order: _order, taken_over: takenOver, ...row }) => ({
    row: row as unknown as T,
    table,
    key: table.key.map((column) => (row as QueryResultRow)[column] as unknown),
    token: String((row as QueryResultRow)['lock_token']),
    leaseSeconds,
    heldUntil: sentAt + leaseSeconds * 1000,
    takenOver,
  }));
}

function claimStatement({ table, where, orderBy }: ClaimRequest, parameters: number): string {
  // The order is kept in a column and used again at the end, because an update returns its rows in any order.
  return `with next as (
      select ${table.key.join(', ')}, taken_over, row_number() over () as claim_order from (
        select ${table.key.join(', ')}, lock_token is not null as taken_over from ${table.name}
         where (${where}) and ${table.until} <= statement_timestamp()
         order by ${orderBy} limit $${parameters + 1} for update skip locked) due
    ), claimed as (
      update ${table.name} t
         set ${table.until} = clock_timestamp() + make_interval(secs => $${parameters + 2}),
             lock_token = gen_random_uuid()
        from next n where ${sameKey(table, 't', 'n')}
      returning t.*, n.claim_order, n.taken_over
    ) select * from claimed order by claim_order`;
}
