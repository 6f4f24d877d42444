import pg from 'pg';

/**
 * A connection of a pool that always has a listener for its end. pg-pool takes its own listener away when it hands a connection over,
 * and whoever asked for it comes only a moment later. If the end of the connection is read in that moment, because both came in one
 * packet, an error without a listener would end the process. The next statement fails, and tells whoever has the connection.
 */
export class PooledClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}
