import type { Reads } from '../database.service.js';

/** A place in the write-ahead log of one history: every promotion of a replica begins another one. */
export interface WalPosition {
  readonly position: string;
  readonly timeline: number;
}

/**
 * Up to where the primary's write-ahead log must be replayed so that everything is seen that is committed now. A commit is
 * answered once the log is flushed up to it; with synchronous_commit=off it is answered before, and only where the next record
 * goes tells it. (That place alone would be too far: work that has not committed yet is in the log before it, not flushed, and
 * a replica gets nothing that is not flushed.)
 */
export async function walPosition(primary: Reads): Promise<WalPosition> {
  const [row] = await primary.query<{ position: string; timeline: string }>(
    `select (case when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
       else pg_current_wal_flush_lsn() end)::text as position, left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) as timeline`,
  );
  const { position, timeline } = row as { position: string; timeline: string };
  return { position, timeline: Number.parseInt(timeline, 16) };
}

/**
 * Whether this replica has replayed the log up to a position. A server that has never been a replica has replayed nothing. One that was
 * left on the old history after a failover may be further than the position, and has not what was committed since; one that follows
 * the new primary is known for it some minutes later, with its next restart point at the latest.
 */
export async function hasReplayed(replica: Reads, { position, timeline }: WalPosition): Promise<boolean> {
  const [row] = await replica.query<{ replayed: boolean }>(
    `select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)
       and (select min_recovery_end_timeline from pg_control_recovery()) = $2::int as replayed`,
    [position, timeline],
  );
  return row?.replayed === true;
}

/** How many bytes of the log up to a position this replica has not replayed. */
export async function bytesBehind(replica: Reads, { position }: WalPosition): Promise<number | undefined> {
  const [row] = await replica.query<{ bytes: number | null }>(
    'select greatest(0, pg_wal_lsn_diff($1::pg_lsn, pg_last_wal_replay_lsn()))::float8 as bytes where pg_is_in_recovery()',
    [position],
  );
  return row?.bytes ?? undefined;
}
