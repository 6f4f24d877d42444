/**
 * The states of a shard. `direct`: its lots go straight through the Responses API; `paused`: an operator, or the deadline,
 * must decide.
 */
export type ShardStatus =
  'checking_photos' | 'queued' | 'submitting' | 'watching' | 'taking_in' | 'direct' | 'paused' | 'done' | 'cancelled';

/**
 * Where each state may lead, as docs/architecture.md draws it. Every unfinished one may end besides: `done` when its lots
 * went on otherwise, `cancelled` when nothing more will be written of its job.
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

/** @throws when no such step exists: whoever takes it has made a mistake, and nothing is written of it */
export function assertStep(from: ShardStatus, to: ShardStatus): void {
  if (from === to || (isEnd(to) && !isEnd(from)) || SHARD_STEPS[from].includes(to)) return;
  throw new Error(`a shard that is ${from} cannot become ${to}`);
}

// Conditions of the states in SQL, spelt as the partial indexes have them; `of`: the row's alias with its dot.
export const isIn = (status: ShardStatus, of = '') => `${of}status = '${status}'`;
export const isUnfinished = (of = '') => `${of}status not in ('done', 'cancelled')`;
export const hasEnded = (of = '') => `${of}status in ('done', 'cancelled')`;
/** It takes up a place and tokens in OpenAI's queue, or may do so soon. */
export const isAtOpenAi = (of = '') => `${of}status in ('submitting', 'watching')`;
/** It waits for something that may last beyond its job's deadline. */
export const waitsLong = (of = '') => `${of}status in ('queued', 'watching', 'paused', 'direct')`;
/** The file of its present submission is not, or no longer, on its way into a batch. */
export const sendsNothing = (of = '') => `${of}status in ('queued', 'done', 'cancelled')`;
/** Files of it stand at OpenAI. */
export const hasFiles = (of = '') =>
  `(${of}input_file_id is not null or ${of}output_file_id is not null or ${of}error_file_id is not null)`;
