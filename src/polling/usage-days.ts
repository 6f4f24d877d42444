import { ServiceError } from '../common/service-error.js';
import type { Days } from '../jobs/key-usage-store.js';
import { countDays, dayOf, daysAfter } from './days.js';

const DEFAULT_DAYS = 30;
const MOST_DAYS = 400;

/**
 * The days of a question about usage: thirty up to today, unless it says otherwise.
 * @param now - milliseconds since 1970
 * @throws ServiceError VALIDATION_FAILED for days in the wrong order, or too many
 */
export function daysAsked(asked: { readonly from?: string; readonly to?: string }, now: number): Days {
  const to = asked.to ?? dayOf(now);
  const from = asked.from ?? daysAfter(to, 1 - DEFAULT_DAYS);
  const days = countDays(from, to);
  if (days < 1) throw wrongDays(`must not be after the last day, ${to}`);
  if (days > MOST_DAYS) throw wrongDays(`at most ${MOST_DAYS} days up to the last one, ${to}; these are ${days}`);
  return { from, to };
}

function wrongDays(rule: string): ServiceError {
  return new ServiceError('VALIDATION_FAILED', 'Some values are not valid; details lists each field with its rule.', {
    details: { fields: [{ path: 'from', rule }], count: 1 },
  });
}
