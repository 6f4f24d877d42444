import { isUuid } from '../common/ids.js';

/** Where the next page starts: opaque to clients, so that what orders the list may change. */
export function cursorAfter(jobId: string): string {
  return Buffer.from(jobId).toString('base64url');
}

/** The job id in a cursor; null when it is none of ours. */
export function parseCursor(cursor: string): string | null {
  const jobId = Buffer.from(cursor, 'base64url').toString('latin1');
  return isUuid(jobId) && cursorAfter(jobId) === cursor ? jobId : null;
}
