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
 * SQLSTATEs that are not about the statement itself: class 08 (connection), class 28 (login refused, as with a password
 * just replaced), 3D000 (the database does not exist), 25006 (a standby, after a failover), 53300 (no connection is
 * free) and class 57P (the server is stopping or starting, or ended the session). The code decides, not the word FATAL,
 * which the server translates.
 */
const AWAY = /^(?:08|28|57P|3D000|25006|53300)/;

/**
 * A server that keeps its rows at others says with the code of an internal error (XX000), and always in English, that one of them broke
 * off while a transaction was committed. Whether it was is not known then, as when the answer to COMMIT is lost.
 */
const LOST_IN_COMMIT = /^(?:could not commit transaction for shard \d+ |failure on connection marked as essential)/;

/** Such a server also says so, with the same code, while it cuts a shard of rows into several: the next try finds the new ones. */
const SHARD_CUT = /^could not find valid entry for shard /;

/**
 * SQLSTATEs of problems that go away: a deadlock or a conflict of transactions (class 40), a lock or a statement that
 * took too long (55P03, 57014), and a server that has too little memory, disk or connections (class 53).
 */
const PASSING = /^(?:40|53|55P03|57014)/;

/**
 * What was read is not all that was committed: rows lie on another server than what belongs to them, and a server that crashed has
 * not yet settled its part of a transaction. It does so by itself, so this is treated as a database that is away.
 */
export class CommitInDoubtError extends Error {
  override name = 'CommitInDoubtError';
}

/** A connection leads to a standby: what is read there may be old, and nothing can be written. */
export class StandbyError extends Error {
  override name = 'StandbyError';

  constructor() {
    super('the server is a standby, which follows another one');
  }
}

/**
 * Whether the same statement may succeed later. If so, the error must not be counted against the data that was written.
 */
export function isPassing(exception: unknown): boolean {
  const code = (exception as { code?: unknown } | null)?.code;
  return isDatabaseAway(exception) || (typeof code === 'string' && PASSING.test(code));
}

const PG_MESSAGES =
  /^Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/;

/** Whether the database cannot be reached or used just now, judged by Node's error codes and PostgreSQL's. */
export function isDatabaseAway(exception: unknown): boolean {
  if (!(exception instanceof Error)) return false;
  if (exception instanceof CommitInDoubtError || exception instanceof StandbyError) return true;
  const { code, syscall, severity } = exception as { code?: unknown; syscall?: unknown; severity?: unknown };
  if (typeof code === 'string') {
    const { message } = exception;
    if (severity !== undefined) {
      return AWAY.test(code) || (code === 'XX000' && (LOST_IN_COMMIT.test(message) || SHARD_CUT.test(message)));
    }
    if (CONNECTION_CODES.has(code) && (syscall === 'connect' || syscall === 'read' || syscall === 'write')) return true;
  }
  if (PG_MESSAGES.test(exception.message)) return true;
  if (exception instanceof AggregateError) return exception.errors.some(isDatabaseAway);
  const inner = (exception as { driverError?: unknown }).driverError ?? exception.cause;
  return inner !== undefined && inner !== exception && isDatabaseAway(inner);
}
