import { setMaxListeners } from 'node:events';

/**
 * Lets any number listen to a signal: a lot's photos, or a chunk's lots, do so side by side, and each takes its listener away
 * again. Node warns of a leak at the eleventh.
 */
export function listenFreely(signal: AbortSignal | undefined): void {
  if (signal !== undefined) setMaxListeners(0, signal);
}
