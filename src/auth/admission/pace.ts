import type { Upload } from './upload.js';

/** Seconds during which no upload is judged, because a connection needs time to reach its speed. */
const GRACE_MS = 10_000;
/** An upload that sent nothing for this long is ended. */
const MAX_SILENCE_MS = 10_000;
/** Half of the rate that clients are promised (64 KB/s), so that a connection at just that rate is safe. */
const LEAST_BYTES_PER_MS = 32 * 1.024;
/** For this long no upload is ended to make room for others: at 64 KB/s 50,000 compressed lots arrive in this time. */
const TENURE_MS = 60_000;

/** Whether so few bytes arrived that the place should be given to another upload. */
export function isTooSlow(upload: Upload, now: number): boolean {
  if (upload.arrived || upload.isHeld) return false;
  if (now - upload.lastByteAt > MAX_SILENCE_MS) return true;
  const theirs = now - upload.enteredAt - upload.heldMs - GRACE_MS;
  return theirs > 0 && upload.receivedBytes < theirs * LEAST_BYTES_PER_MS;
}

/** Whether the upload has had its time and others wait for its place. */
export function mayBeDisplaced(upload: Upload, now: number): boolean {
  return upload.isStranger && !upload.arrived && now - upload.enteredAt > TENURE_MS;
}
