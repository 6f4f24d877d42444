/** The embedded database cannot be used; the message says why and what to do, and is meant for the person who starts the service. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError';
}

/** What every such message ends with: there is always this way out. */
export const SET_DATABASE_URL = 'Or set DATABASE_URL to a PostgreSQL server of your own.';
