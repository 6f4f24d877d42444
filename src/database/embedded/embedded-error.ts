/** The embedded database cannot be used. The message tells the person who starts the service why, and what to do. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError';
}

/** The end of every such message, because this always helps. */
export const SET_DATABASE_URL = 'Or set DATABASE_URL to a PostgreSQL server of your own.';
