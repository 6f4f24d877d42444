import type { OpenPhoto } from '../../images/photo-checker.js';

const MINUTE_MS = 60_000;
/** How long lots wait for a host that gives no answer at all … */
const SILENT_HOST_MS = 20 * MINUTE_MS;
/** … and for one that answers to some of what it is asked. */
const ANSWERING_HOST_MS = 240 * MINUTE_MS;

/** How long a pass asks hosts again that say "not now": the first one briefly, because the other lots of its range go on only after it. */
const FIRST_PASS_MS = 20_000;
const LATER_PASS_MS = 60_000;

/** After these the lots whose photos came go on without those that wait still; few steps, because each makes an OpenAI batch of its own. */
const STEPS_MS = [5 * MINUTE_MS, SILENT_HOST_MS, 60 * MINUTE_MS] as const;

/** @param late - how often the lots were put off */
export function passMs(late: number): number {
  return late === 0 ? FIRST_PASS_MS : LATER_PASS_MS;
}

/** Whether a photo is worth waiting for, `waitedMs` after its lot was put off first. */
export function isWorthWaiting(photo: OpenPhoto, waitedMs: number): boolean {
  return waitedMs < (photo.hostAnswers ? ANSWERING_HOST_MS : SILENT_HOST_MS);
}

/** Whether lots that are ready leave those behind that wait still. */
export function leavesNow(late: number, waitedMs: number): boolean {
  const step = STEPS_MS[late - 1];
  return step !== undefined && waitedMs >= step;
}
