/** The job ended before this transaction. Roll back and count only the usage. */
export class JobEndedError extends Error {
  override name = 'JobEndedError';
}
