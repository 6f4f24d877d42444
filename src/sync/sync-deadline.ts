/** Seconds before SYNC_TIMEOUT at which a request is handed over: a client that waits as long still gets the 202. */
const MARGIN_SECONDS = 5;

/**
 * Milliseconds from the request's last byte to the hand-over. A timeout too short for the margin keeps half of itself.
 */
export function handOverAfterMs(syncTimeoutSeconds: number): number {
  return 1000 * Math.max(syncTimeoutSeconds - MARGIN_SECONDS, syncTimeoutSeconds / 2);
}
