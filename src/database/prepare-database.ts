import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/app-config.js';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.js';
import { onceReachable } from './first-connection.js';
import { assertSchemaIsCurrent, migrateUp } from './migrate.js';

/** A database that this version of the service can work with. */
export interface PreparedDatabase {
  /** Password included: never to be logged. */
  readonly url: string;
  /** The very last step of a shutdown, after the pool's end: stops the embedded server, and does nothing for others. */
  readonly stop: () => Promise<void>;
}

/**
 * What comes before the application: DATABASE_URL's server must have this version's schema already (ROLE=migrate runs
 * the migrations and nothing else does), the embedded one is started and migrated here. A server that cannot be reached
 * yet is waited for.
 * @param migrates - whether this process is the one that runs the migrations
 * @throws EmbeddedPostgresError or SchemaOutdatedError with a message for the person who starts the service; pg's own
 *   error when the server cannot be reached
 */
export async function prepareDatabase(
  config: Pick<AppConfig, 'packageRoot' | 'database' | 'role'>,
  migrates = false,
): Promise<PreparedDatabase> {
  const { url, dataDir } = config.database;
  if (url !== '') {
    await onceReachable<unknown>(() => (migrates ? migrateUp(config, url) : assertSchemaIsCurrent(config, url)));
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
