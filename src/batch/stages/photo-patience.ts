import type { OpenPhoto } from '../../images/photo-check.js';

const MINUTE_MS = 60_000;
/** How long lots wait for a host that gives no answer at all. */
const SILENT_HOST_MS = 20 * MINUTE_MS;
/** How long lots wait for a host that answers some of the requests. */
const ANSWERING_HOST_MS = 240 * MINUTE_MS;

/**
 * How long a pass keeps asking hosts that say "not now". The first pass is short, because the other lots of its range
 * go on only after it.
 */
const FIRST_PASS_MS = 20_000;
const LATER_PASS_MS = 60_000;

/**
 * After each of these times, lots whose photos have come go on without those that still wait. There are few steps,
 * because each one makes an OpenAI batch of its own.
 */
const STEPS_MS = [5 * MINUTE_MS, SILENT_HOST_MS, 60 * MINUTE_MS] as const;

/**
 * How long this pass asks, in milliseconds.
 * @param late - how often the lots were put off
 */
export function passMs(late: number): number {
  return late === 0 ? FIRST_PASS_MS : LATER_PASS_MS;
}

/** Whether a photo is still worth waiting for, `waitedMs` milliseconds after its lot was first put off. */
export function isWorthWaiting(photo: OpenPhoto, waitedMs: number): boolean {
  return waitedMs < (photo.hostAnswers ? ANSWERING_HOST_MS : SILENT_HOST_MS);
}

/** Whether the lots that are ready go on now, without those that still wait. */
export function leavesNow(late: number, waitedMs: number): boolean {
  const step = STEPS_MS[late - 1];
  return step !== undefined && waitedMs >= step;
}
