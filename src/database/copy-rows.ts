import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/**
 * Streams rows into a table by COPY, in the running transaction of `client`. It takes from `chunks` only what the
 * server can receive, so memory does not grow with the number of rows.
 * @param target - `table (column, …)`; must be a constant of the code
 * @param chunks - whole rows in COPY's text format, as {@link CopyEncoder} makes them; a chunk may hold many
 * @returns the number of rows
 * @throws pg's error (a duplicate key, a broken connection), or what `chunks` throws; the transaction must be rolled
 *   back
 */
export async function copyRows(
  client: PoolClient,
  target: string,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<number> {
  const stream = client.query(copyFrom(`copy ${target} from stdin`));
  // With objectMode the stream would count chunks instead of bytes against its limit.
  await pipeline(Readable.from(chunks, { objectMode: false }), stream);
  return stream.rowCount;
}
