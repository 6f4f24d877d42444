import pg, { type PoolClient } from 'pg';
import { StandbyError } from '../common/database-away.js';

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

/**
 * Refuses a new connection that leads to a standby, as a name does for some seconds after a failover. A pool would keep it for as long as
 * it is used, up to half an hour after the name was right again: its reads would be old, and its transactions fail.
 */
export function refuseStandby(client: PoolClient, done: (error?: Error) => void): void {
  client
    .query<{ standby: boolean }>('select pg_is_in_recovery() as standby')
    .then(({ rows }) => done(rows[0]?.standby === true ? new StandbyError() : undefined), done);
}
