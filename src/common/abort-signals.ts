import { setMaxListeners } from 'node:events';
import { abortReason } from './clock.js';

/**
 * `promise`, or a rejection with the signal's reason as soon as it aborts; a late rejection of `promise` is swallowed.
 */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    const settled = () => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (error: unknown) => {
        settled();
        reject(error instanceof Error ? error : new Error('rejected with a value that is no error', { cause: error }));
      },
    );
  });
}

/**
 * Allows any number of listeners on a signal. The photos of a lot listen to it at the same time, and so do the lots of
 * a chunk; each removes its listener when it is done. Without this Node would warn of a leak from the eleventh on.
 */
export function listenFreely(signal: AbortSignal | undefined): void {
  if (signal !== undefined) setMaxListeners(0, signal);
}
