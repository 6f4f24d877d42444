import { isObject } from '../../common/json-tokens.js';
import { CANCELLED_CODE } from '../../jobs/job-failures.js';
import { LOT_ERROR_CODES } from '../../jobs/lot-error-code.js';
import type { RetryChoice } from '../../jobs/retry-store.js';
import { characters, FieldProblems, isStorable } from '../request/field-problems.js';
import { MAX_LOT_ID } from '../request/lot-rules.js';
import { UnknownMembers } from '../request/unknown-members.js';

/** The codes by which lots may be chosen. */
export const RETRY_CODES: readonly string[] = [...LOT_ERROR_CODES, CANCELLED_CODE];

/** What a client asks to be tried once more. */
export interface RetryRequest {
  readonly choice: RetryChoice;
  readonly dryRun: boolean;
  /** Members that nobody knows, as in the answers to other requests. */
  readonly warnings: readonly string[];
}

/**
 * Checks the body of a retry. Nothing in it is guessed: a value of a wrong type could choose more lots than were meant, and each of
 * them costs money.
 * @param body - as parsed; undefined when there was none
 * @throws ServiceError VALIDATION_FAILED naming each wrong member with its rule
 */
export function checkRetry(body: unknown): RetryRequest {
  const problems = new FieldProblems();
  const members = body === undefined ? {} : body;
  if (!isObject(members)) {
    problems.add('body', 'must be an object');
    problems.throwIfAny();
    throw new Error('unreachable');
  }
  const unknown = new UnknownMembers();
  unknown.retry(members);
  const choice = { codes: checkCodes(members['codes'], problems), lotIds: checkLotIds(members['lot_ids'], problems) };
  const dryRun = members['dry_run'] ?? false;
  if (typeof dryRun !== 'boolean') problems.add('dry_run', 'must be true or false');
  problems.throwIfAny();
  return { choice, dryRun: dryRun === true, warnings: unknown.warnings };
}

function checkCodes(value: unknown, problems: FieldProblems): readonly string[] | null {
  if (value === undefined || value === null) return null;
  const known = (code: unknown) => typeof code === 'string' && RETRY_CODES.includes(code);
  if (Array.isArray(value) && value.length > 0 && value.every(known)) return [...new Set(value as string[])];
  problems.add('codes', `must be a list of at least one of ${RETRY_CODES.join(', ')}`);
  return null;
}

function checkLotIds(value: unknown, problems: FieldProblems): readonly string[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value) || value.length === 0) {
    problems.add('lot_ids', 'must be a list of at least one lot_id');
    return null;
  }
  const lotIds = new Set<string>();
  for (const [index, item] of value.entries()) {
    // As in a request's lots, an integer is its digits; JSON.parse has lost those of larger ones.
    const lotId: unknown = Number.isSafeInteger(item) ? String(item) : item;
    if (typeof lotId === 'string' && lotId !== '' && characters(lotId) <= MAX_LOT_ID && isStorable(lotId)) {
      lotIds.add(lotId);
    } else {
      problems.add(`lot_ids[${index}]`, `must be a lot_id of 1 to ${MAX_LOT_ID} characters`);
    }
  }
  return [...lotIds];
}
