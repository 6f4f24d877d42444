import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/app-config.js';
import { distribute, refuseUnfit } from './distribution.js';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.js';
import { runningDatabase } from './embedded/running-server.js';
import { onceReachable } from './first-connection.js';
import { assertSchemaIsCurrent, migrateUp } from './migrate.js';

/** A database that this version of the service can work with. */
export interface PreparedDatabase {
  /** It has the password, so it must never be logged. */
  readonly url: string;
  /**
   * The last step of a shutdown, after the pool is closed: stops the embedded server, and does nothing for other
   * servers.
   */
  readonly stop: () => Promise<void>;
}

/**
 * Prepares the database before the application starts. A server in DATABASE_URL must have this version's schema
 * already, because only ROLE=migrate runs the migrations. The embedded server is started and migrated here. A server
 * that cannot be reached yet is waited for.
 * @param patienceMs - how long a server that cannot be reached is waited for; a new one needs some seconds, if absent
 * @throws EmbeddedPostgresError or SchemaOutdatedError with a message for the person who starts the service; pg's own
 *   error when the server cannot be reached
 */
export async function prepareDatabase(
  config: Pick<AppConfig, 'packageRoot' | 'database' | 'role'>,
  patienceMs?: number,
): Promise<PreparedDatabase> {
  const { url, dataDir } = config.database;
  if (url !== '') {
    await onceReachable(() => assertSchemaIsCurrent(config, url), patienceMs);
    return { url, stop: async () => undefined };
  }
  const embedded = await startEmbeddedPostgres({ dataDir, logger: new Logger('EmbeddedPostgres') });
  try {
    await migrateUp(config, embedded.url);
  } catch (error) {
    await embedded.stop();
    throw error;
  }
  return embedded;
}

/**
 * What ROLE=migrate does with the server in DATABASE_URL: runs the migrations, and brings the large tables to where CITUS wants them.
 * A server that cannot be reached yet is waited for.
 * @throws DistributionRefusedError before anything is changed
 */
export async function migrateDatabase(
  config: Pick<AppConfig, 'packageRoot' | 'database' | 'role'>,
  largeTables: readonly string[],
): Promise<void> {
  const { url } = config.database;
  await onceReachable(async () => {
    await refuseUnfit(config, url, largeTables);
    await migrateUp(config, url);
  });
  await distribute(config, url, largeTables);
}

/**
 * The database for a command that works beside the service: that of a service which runs it as an embedded server, else what
 * {@link prepareDatabase} gives.
 */
export async function joinDatabase(
  config: Pick<AppConfig, 'packageRoot' | 'database' | 'role'>,
  patienceMs?: number,
): Promise<PreparedDatabase> {
  const { url: configured, dataDir } = config.database;
  const url = configured === '' ? await runningDatabase(dataDir) : null;
  if (url === null) return prepareDatabase(config, patienceMs);
  await assertSchemaIsCurrent(config, url);
  return { url, stop: async () => undefined };
}
