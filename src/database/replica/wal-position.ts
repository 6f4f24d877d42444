import type { Reads } from '../database.service.js';

/**
 * Up to where the primary's write-ahead log must be replayed so that everything is seen that is committed now. A commit is
 * answered once the log is flushed up to it; with synchronous_commit=off it is answered before, and only where the next record
 * goes tells it. (That place alone would be too far: work that has not committed yet is in the log before it, not flushed, and
 * a replica gets nothing that is not flushed.)
 */
export async function walPosition(primary: Reads): Promise<string> {
  const [row] = await primary.query<{ position: string }>(
    `select (case when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
       else pg_current_wal_flush_lsn() end)::text as position`,
  );
  return (row as { position: string }).position;
}

/** Whether this replica has replayed the log up to a position. A server that has never been a replica has replayed nothing. */
export async function hasReplayed(replica: Reads, position: string): Promise<boolean> {
  const [row] = await replica.query<{ replayed: boolean }>(
    'select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) as replayed',
    [position],
  );
  return row?.replayed === true;
}

/** How many bytes of the log up to a position this replica has not replayed. */
export async function bytesBehind(replica: Reads, position: string): Promise<number | undefined> {
  const [row] = await replica.query<{ bytes: number | null }>(
    'select greatest(0, pg_wal_lsn_diff($1::pg_lsn, pg_last_wal_replay_lsn()))::float8 as bytes where pg_is_in_recovery()',
    [position],
  );
  return row?.bytes ?? undefined;
}
