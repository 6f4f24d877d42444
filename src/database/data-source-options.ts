import { Logger } from '@nestjs/common';
import type { EntityTarget, ObjectLiteral } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { AppConfig } from '../config/app-config.js';
import { QuietTypeOrmLogger } from './typeorm-logger.js';

/** Seconds for a request to wait for a connection, be it because the server is away or the pool is busy; then it is 503. */
const CONNECT_TIMEOUT_SECONDS = 10;

const ADMIN_SHUTDOWN = '57P01';

/**
 * The one way to a database, for the service, migrations and tests alike.
 * No start-up parameter but application_name, and nothing said by SET: PgBouncer in transaction mode refuses the first
 * and mixes up the second.
 * @param url - `postgres://…`, of DATABASE_URL or the embedded server
 * @param entities - only where there is no TypeOrmModule to gather them (`autoLoadEntities`)
 */
export function dataSourceOptions(
  config: Pick<AppConfig, 'database' | 'role'>,
  url: string,
  entities: readonly EntityTarget<ObjectLiteral>[] = [],
): PostgresDataSourceOptions {
  const logger = new Logger('Database');
  return {
    type: 'postgres',
    url,
    entities: [...entities] as PostgresDataSourceOptions['entities'],
    synchronize: false,
    migrationsRun: false,
    // gen_random_uuid() is a core function: no extension is created, so no superuser is needed.
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    applicationName: `generation-service ${config.role}`,
    poolSize: config.database.poolSize,
    // An idle connection that breaks is no more than that: without a listener it would end the process.
    poolErrorHandler: (error: unknown) => {
      const { code } = error as { code?: unknown };
      // The server says so to each connection when it stops, our own embedded one at the end of every shutdown.
      logger[code === ADMIN_SHUTDOWN ? 'debug' : 'warn']('an idle database connection broke', { code });
    },
    logger: new QuietTypeOrmLogger(),
    extra: {
      connectionTimeoutMillis: CONNECT_TIMEOUT_SECONDS * 1000,
      idleTimeoutMillis: 30_000,
      // After a failover behind one address, no connection stays with the old server for long.
      maxLifetimeSeconds: 1800,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    },
  };
}
