import type { QueryResultRow } from 'pg';
import type { Sql } from './database.service.js';
import { sameKey, type LeaseTable } from './lease-table.js';

/** Which rows to claim. The texts are constants of the code; what varies goes into `values`. */
export interface ClaimRequest {
  readonly table: LeaseTable;
  /** A condition on the table's columns, unqualified; its parameters count from `$1`. That no lease holds the row is added to it. */
  readonly where: string;
  readonly values?: readonly unknown[];
  /** As in SQL: `next_attempt_at, id`. */
  readonly orderBy: string;
  readonly limit: number;
  readonly leaseSeconds: number;
}

/** A row that is ours until its lease ends. */
export interface Claim<T extends QueryResultRow> {
  /** All columns, as the claim left them. */
  readonly row: T;
  readonly table: LeaseTable;
  readonly key: readonly unknown[];
  readonly token: string;
  readonly leaseSeconds: number;
  /**
   * When the lease ends by this process's own monotonic clock (`performance.now()`, ms). Counted from before the
   * statement was sent, so it is never later than the end that PostgreSQL wrote.
   */
  readonly heldUntil: number;
}

/**
 * Claims up to `limit` rows in one statement: no replica waits for another, none gets a row twice, and no lock outlives
 * the statement. What makes a row free is asked of PostgreSQL's clock alone: replicas' clocks differ.
 * (`statement_timestamp()` in the condition, because an index cannot serve the volatile `clock_timestamp()`.)
 */
export async function claimMany<T extends QueryResultRow>(sql: Sql, request: ClaimRequest): Promise<Claim<T>[]> {
  const { table, values = [], leaseSeconds } = request;
  const sentAt = performance.now();
  const rows = await sql.query<T & { claim_order: unknown }>(claimStatement(request, values.length), [
    ...values,
    request.limit,
    leaseSeconds,
  ]);
  return rows.map(({ claim_order: _order, ...row }) => ({
    row: row as unknown as T,
    table,
    key: table.key.map((column) => (row as QueryResultRow)[column] as unknown),
    token: String((row as QueryResultRow)['lock_token']),
    leaseSeconds,
    heldUntil: sentAt + leaseSeconds * 1000,
  }));
}

function claimStatement({ table, where, orderBy }: ClaimRequest, parameters: number): string {
  // The order is given twice: an update returns its rows in whatever order it met them.
  return `with next as (
      select ${table.key.join(', ')}, row_number() over () as claim_order from (
        select ${table.key.join(', ')} from ${table.name}
         where (${where}) and ${table.until} <= statement_timestamp()
         order by ${orderBy} limit $${parameters + 1} for update skip locked) due
    ), claimed as (
      update ${table.name} t
         set ${table.until} = clock_timestamp() + make_interval(secs => $${parameters + 2}),
             lock_token = gen_random_uuid()
        from next n where ${sameKey(table, 't', 'n')}
      returning t.*, n.claim_order
    ) select * from claimed order by claim_order`;
}
