import { isUuid } from '../common/ids.js';

/** Where the next page starts. Clients cannot read it, so the order of the list may change later. */
export function cursorAfter(jobId: string): string {
  return Buffer.from(jobId).toString('base64url');
}

/** The job id in a cursor; null when the cursor is not one of ours. */
export function parseCursor(cursor: string): string | null {
  const jobId = Buffer.from(cursor, 'base64url').toString('latin1');
  return isUuid(jobId) && cursorAfter(jobId) === cursor ? jobId : null;
}
