import { isPassing } from '../../common/database-away.js';
import { LeaseLostError } from '../../database/lease.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import { OpenAiError } from '../../openai/errors.js';
import { JobEndedError } from '../shards/job-ended.js';

/**
 * Whether an error says that what was worked on is at fault, or our code: the same work would fail again. A database or
 * an OpenAI that is away, a lost lease and a job that has ended say nothing of it.
 */
export function isUnforeseen(error: unknown): boolean {
  if (error instanceof LeaseLostError || error instanceof JobEndedError || error instanceof OpenAiError) return false;
  return !isPassing(error);
}

/** What spoils a chunk, and with which error. */
export interface Culprit<T> {
  readonly item: T;
  readonly error: unknown;
}

/**
 * Does `work` with all items at once; where that fails for what they are, with each half, down to those that fail alone.
 * @param work - undoes whatever it did when it throws
 * @returns those; all others are done
 * @throws what is no item's fault
 */
export async function bisect<T>(
  items: readonly T[],
  work: (part: readonly T[]) => Promise<void>,
): Promise<Culprit<T>[]> {
  if (items.length === 0) return [];
  try {
    await work(items);
    return [];
  } catch (error) {
    if (!isUnforeseen(error)) throw error;
    const [only] = items;
    if (items.length === 1) return [{ item: only as T, error }];
    const middle = Math.ceil(items.length / 2);
    const culprits = await bisect(items.slice(0, middle), work);
    return [...culprits, ...(await bisect(items.slice(middle), work))];
  }
}

/** For a log line; what an error says may quote what a client or a model wrote. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
}

/** How a lot ends on which the service failed again and again. */
export const INTERNAL_ERROR: LotEnd = {
  code: 'INTERNAL_ERROR',
  message: 'The service failed on this lot; send it again, and report its job if that fails too.',
};
