/**
 * The states of a shard. `direct`: its lots are asked for through the Responses API. `paused`: an operator must decide,
 * or the deadline does.
 */
export type ShardStatus =
  'checking_photos' | 'queued' | 'submitting' | 'watching' | 'taking_in' | 'direct' | 'paused' | 'done' | 'cancelled';

/**
 * Which states may follow each state, as docs/architecture.md draws it. Every unfinished shard may also end: as `done`
 * when its lots went on in another way, as `cancelled` when nothing more will be written for its job.
 */
export const SHARD_STEPS: Readonly<Record<ShardStatus, readonly ShardStatus[]>> = {
  checking_photos: ['queued'],
  queued: ['submitting'],
  submitting: ['watching', 'queued', 'taking_in', 'paused'],
  watching: ['taking_in', 'queued', 'paused'],
  taking_in: [],
  direct: [],
  paused: ['queued'],
  done: [],
  cancelled: [],
};

export function isEnd(status: ShardStatus): status is 'done' | 'cancelled' {
  return status === 'done' || status === 'cancelled';
}

/**
 * Whether a shard in this state is left alone while its job is paused: what follows would begin something. What OpenAI
 * has is still watched and taken in.
 */
export function restsWhilePaused(status: ShardStatus): boolean {
  return status === 'checking_photos' || status === 'queued' || status === 'direct';
}

/** @throws when there is no such step. That is a mistake in the code, and nothing is written. */
export function assertStep(from: ShardStatus, to: ShardStatus): void {
  if (from === to || (isEnd(to) && !isEnd(from)) || SHARD_STEPS[from].includes(to)) return;
  throw new Error(`a shard that is ${from} cannot become ${to}`);
}

// SQL conditions of the states, written as in the partial indexes. `of`: the row's alias with its dot.
export const isIn = (status: ShardStatus, of = '') => `${of}status = '${status}'`;
export const isUnfinished = (of = '') => `${of}status not in ('done', 'cancelled')`;
export const hasEnded = (of = '') => `${of}status in ('done', 'cancelled')`;
/** It takes up a place and tokens in OpenAI's queue, or soon may. */
export const isAtOpenAi = (of = '') => `${of}status in ('submitting', 'watching')`;
/** It waits for something that may last beyond its job's deadline. */
export const waitsLong = (of = '') => `${of}status in ('queued', 'watching', 'paused', 'direct')`;
/** No batch is being made, or may still be made, from the file of its present submission. */
export const sendsNothing = (of = '') => `${of}status in ('queued', 'done', 'cancelled')`;
/** It has files at OpenAI. */
export const hasFiles = (of = '') =>
  `(${of}input_file_id is not null or ${of}output_file_id is not null or ${of}error_file_id is not null)`;
