import { isUuid } from '../common/ids.js';

/** Where a page of a job's lots ended. */
export interface LotPlace {
  readonly jobId: string;
  /** The position of the page's last lot. */
  readonly position: number;
  /** The revision that the page showed. The next page shows the same one, so that no result is of two. */
  readonly revision: number;
}

/** More digits than a position or a revision has. */
const PLACE = /^([0-9a-f-]{36})\.(\d{1,9})\.(\d{1,5})$/;

/** Opaque to clients. It names its job, so that it cannot be mistaken for a lot_id, nor lead into another job. */
export function cursorAt({ jobId, position, revision }: LotPlace): string {
  return Buffer.from(`${jobId}.${position}.${revision}`).toString('base64url');
}

/** The place in a cursor; null when the text is not one of our cursors. */
export function placeOf(cursor: string): LotPlace | null {
  const [, jobId = '', position, revision] = PLACE.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (!isUuid(jobId)) return null;
  const place = { jobId, position: Number(position), revision: Number(revision) };
  return cursorAt(place) === cursor ? place : null;
}
