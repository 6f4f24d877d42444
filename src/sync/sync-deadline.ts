/**
 * How many seconds before SYNC_TIMEOUT a request is handed over, so that a client that waits this long gets the 202.
 */
const MARGIN_SECONDS = 5;

/**
 * Milliseconds from the request's last byte to the hand-over. If the timeout is too short for the margin, it is half of
 * it.
 */
export function handOverAfterMs(syncTimeoutSeconds: number): number {
  return 1000 * Math.max(syncTimeoutSeconds - MARGIN_SECONDS, syncTimeoutSeconds / 2);
}
