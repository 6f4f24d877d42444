import { isPassing } from '../../common/database-away.js';
import { LeaseLostError } from '../../database/lease.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import { OpenAiError } from '../../openai/errors.js';
import { JobEndedError } from '../shards/job-ended.js';

/**
 * Whether an error means that the data or our code is at fault, so that the same work would fail again. That is not so
 * when the database or OpenAI is away, when a lease was lost, or when a job has ended.
 */
export function isUnforeseen(error: unknown): boolean {
  if (error instanceof LeaseLostError || error instanceof JobEndedError || error instanceof OpenAiError) return false;
  return !isPassing(error);
}

/** An item that makes a chunk fail, and its error. */
export interface Culprit<T> {
  readonly item: T;
  readonly error: unknown;
}

/**
 * Runs `work` with all items at once. If that fails because of the items, it runs with each half, and so on down to the
 * single items that fail alone.
 * @param work - must undo whatever it did when it throws
 * @returns the items that fail alone; the work on all others is done
 * @throws errors that are not an item's fault
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

/**
 * The kind of an error for a log line. Its message is left out, because it may quote what a client or a model wrote.
 */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
}

/** The end of a lot on which the service failed too often. */
export const INTERNAL_ERROR: LotEnd = {
  code: 'INTERNAL_ERROR',
  message: 'The service failed on this lot; send it again, and report its job if that fails too.',
};
