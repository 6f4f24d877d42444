import type { Pool, PoolClient } from 'pg';

/**
 * Runs `work` on a connection of the pool. One on which something failed is closed: a statement that was given up may still run
 * there, and the next connection is opened in a millisecond. One that breaks closes by itself.
 */
export async function onConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    client.release(failure);
  }
}
