import { Logger } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';

/** How long nobody may have got a connection, though some asked for one, before all are given up. */
const SILENCE_MS = 60_000;
/** What pg-pool says to whoever has waited for a connection in vain, because all are in use. */
const ALL_IN_USE = 'timeout exceeded when trying to connect';

/**
 * Gives the connections of a pool up when all of them hang. A host that vanishes without a word (its power, its network) leaves them open:
 * what was sent is sent again by the system, for a quarter of an hour on Linux, and nobody else gets a connection, though the
 * server's name may long lead to another one.
 */
export class SilentPool {
  private readonly logger = new Logger('Database');
  /** Without what was opened before this was made, which is one at most: the others are enough to go on with. */
  private readonly connections = new Set<PoolClient>();
  /** When somebody waited in vain for the first time since somebody got a connection. */
  private silentSince: number | undefined;
  private gaveUp = false;

  constructor(pool: Pool) {
    pool.on('connect', (client) => this.connections.add(client));
    pool.on('remove', (client) => this.connections.delete(client as PoolClient));
  }

  /** Somebody got a connection. */
  heard(): void {
    this.silentSince = undefined;
    this.gaveUp = false;
  }

  /** Somebody got none. */
  failed(error: unknown): void {
    if ((error as Error).message !== ALL_IN_USE) return;
    this.silentSince ??= performance.now();
    // Once: of statements that wait for a lock the server knows nothing else, and each time there would be as many more.
    if (this.gaveUp || performance.now() - this.silentSince < SILENCE_MS) return;
    this.gaveUp = true;
    this.logger.warn('no connection to the database was free for a minute, and all are given up');
    for (const { connection } of this.connections) connection.stream.destroy();
  }
}
