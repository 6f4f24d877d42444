import { abortReason } from '../common/clock.js';
import { listenFreely } from '../common/abort-signals.js';

/**
 * Runs `work` with a signal of its own that follows `signal` and is aborted when `work` ends, so that when one check
 * throws, the others stop too.
 */
export async function withOwnSignal<T>(
  signal: AbortSignal | undefined,
  work: (own: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  listenFreely(controller.signal);
  listenFreely(signal);
  const follow = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) follow();
  signal?.addEventListener('abort', follow, { once: true });
  try {
    return await work(controller.signal);
  } catch (error) {
    throw signal?.aborted === true ? abortReason(signal) : error;
  } finally {
    signal?.removeEventListener('abort', follow);
    controller.abort();
  }
}
