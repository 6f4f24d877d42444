import { Logger } from '@nestjs/common';
import type { EntityTarget, ObjectLiteral } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { AppConfig } from '../config/app-config.js';
import { PooledClient, refuseStandby } from './pooled-client.js';
import { QuietTypeOrmLogger } from './typeorm-logger.js';

/** Seconds that a request waits for a connection, when the server is away or the pool is busy; then it gets a 503. */
const CONNECT_TIMEOUT_SECONDS = 10;

const ADMIN_SHUTDOWN = '57P01';

/**
 * The options of every connection to a database, for the service, migrations and tests.
 * application_name is the only start-up parameter, and SET is not used: PgBouncer in transaction mode refuses other
 * parameters, and mixes up what SET does.
 * @param url - `postgres://…`, from DATABASE_URL or of the embedded server
 * @param entities - needed only without a TypeOrmModule that gathers them (`autoLoadEntities`)
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
    // An idle connection that breaks is harmless, but without a listener it would end the process.
    poolErrorHandler: (error: unknown) => {
      const { code } = error as { code?: unknown };
      // A server that stops sends this to each connection, as the embedded one does at the end of every shutdown.
      logger[code === ADMIN_SHUTDOWN ? 'debug' : 'warn']('an idle database connection broke', { code });
    },
    logger: new QuietTypeOrmLogger(),
    extra: {
      Client: PooledClient,
      verify: refuseStandby,
      connectionTimeoutMillis: CONNECT_TIMEOUT_SECONDS * 1000,
      idleTimeoutMillis: 30_000,
      // After a failover behind one address, connections do not stay with the old server for long.
      maxLifetimeSeconds: 1800,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    },
  };
}
