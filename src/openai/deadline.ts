import { abortReason, type Clock } from '../common/clock.js';
import { listenFreely, orAbort } from '../common/abort-signals.js';
import { OpenAiError } from './errors.js';
import type { CallLimits } from './retry.js';

/** The longest time that setTimeout accepts; with more it fires at once. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Runs `work` under a signal that aborts at the deadline or when the caller hangs up. It then rejects even if `work`
 * goes on: undici ignores a signal while it connects, and the SDK's own timeout ends with the headers, so a stalled
 * body would last longer.
 * @throws OpenAiError of kind `timeout` or `aborted`; else what `work` throws
 */
export async function underDeadline<T>(
  clock: Clock,
  limits: CallLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { deadlineAt, signal: hangUp } = limits;
  const remaining = deadlineAt - clock.now();
  // Nothing has been sent yet, so in these two cases the outcome is known.
  if (hangUp?.aborted) throw new OpenAiError({ kind: 'aborted', retryable: false, outcomeUnknown: false });
  if (remaining <= 0) throw new OpenAiError({ kind: 'timeout', retryable: true, outcomeUnknown: false });

  const controller = new AbortController();
  const timer = new AbortController();
  const onHangUp = () => controller.abort(new OpenAiError({ kind: 'aborted', retryable: false }));
  if (hangUp !== undefined) {
    // One signal may end many calls at the same time (when a lease is lost); each call removes its listener again.
    listenFreely(hangUp);
    hangUp.addEventListener('abort', onHangUp, { once: true });
  }
  clock.sleep(Math.min(remaining, LONGEST_TIMER_MS), timer.signal).then(
    () => controller.abort(new OpenAiError({ kind: 'timeout', retryable: true })),
    () => undefined,
  );
  try {
    return await orAbort(work(controller.signal), controller.signal);
  } catch (error) {
    // The error inside is only the result of our own abort.
    throw controller.signal.aborted ? abortReason(controller.signal) : error;
  } finally {
    hangUp?.removeEventListener('abort', onHangUp);
    timer.abort(TIMER_STOPPED);
  }
}

/** One error object for all stopped timers, because building a stack for each call costs more than the timer. */
const TIMER_STOPPED = new Error('timer stopped');
