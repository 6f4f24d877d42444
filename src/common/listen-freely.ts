import { setMaxListeners } from 'node:events';

/**
 * Allows any number of listeners on a signal. A lot's photos, or a chunk's lots, listen side by side and each removes
 * its listener again; without this Node warns of a leak at the eleventh.
 */
export function listenFreely(signal: AbortSignal | undefined): void {
  if (signal !== undefined) setMaxListeners(0, signal);
}
