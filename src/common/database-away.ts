const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

/**
 * SQLSTATEs that say nothing of the statement: class 08 (connection), class 28 (who we are is not believed: a password
 * just replaced), 3D000 (the database is not there), 25006 (a standby, after a failover), 53300 (no connection is free) and
 * class 57P (the server goes down or comes up, or ended the session). Told by code, not by FATAL: that word is translated.
 */
const AWAY = /^(?:08|28|57P|3D000|25006|53300)/;

/**
 * SQLSTATEs that pass: a deadlock or a conflict of transactions (class 40), a lock or a statement that took too long
 * (55P03, 57014), and a server that lacks memory, disk or connections (class 53).
 */
const PASSING = /^(?:40|53|55P03|57014)/;

/** Whether the same statement may succeed later: whoever meets it must not count it as the fault of what was written. */
export function isPassing(exception: unknown): boolean {
  const code = (exception as { code?: unknown } | null)?.code;
  return isDatabaseAway(exception) || (typeof code === 'string' && PASSING.test(code));
}

const PG_MESSAGES =
  /^Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/;

/** Whether the database could not be reached or not be worked with just now, by Node's codes and PostgreSQL's own. */
export function isDatabaseAway(exception: unknown): boolean {
  if (!(exception instanceof Error)) return false;
  const { code, syscall, severity } = exception as { code?: unknown; syscall?: unknown; severity?: unknown };
  if (typeof code === 'string') {
    if (severity !== undefined) return AWAY.test(code);
    if (CONNECTION_CODES.has(code) && (syscall === 'connect' || syscall === 'read' || syscall === 'write')) return true;
  }
  if (PG_MESSAGES.test(exception.message)) return true;
  if (exception instanceof AggregateError) return exception.errors.some(isDatabaseAway);
  const inner = (exception as { driverError?: unknown }).driverError ?? exception.cause;
  return inner !== undefined && inner !== exception && isDatabaseAway(inner);
}
