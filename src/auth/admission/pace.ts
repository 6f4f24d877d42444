import type { Upload } from './upload.js';

/** Seconds in which nobody is judged: a connection takes its time to get going. */
const GRACE_MS = 10_000;
/** An upload of which nothing came for this long is over. */
const MAX_SILENCE_MS = 10_000;
/** Half of what a client must be able to count on (64 KB/s), so that a line at just that rate is safe. */
const LEAST_BYTES_PER_MS = 32 * 1.024;
/** So long nobody is displaced by those who wait: 64 KB/s bring 50,000 compressed lots in this time. */
const TENURE_MS = 60_000;

/** Whether so little came, in bytes as sent, that the place is better given to somebody else. */
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
