/** The job ended before this transaction: roll back, count usage only. */
export class JobEndedError extends Error {
  override name = 'JobEndedError';
}
