import { ServiceError } from '../../common/service-error.js';
import type { JobRecord } from '../../jobs/job-columns.js';
import { CANCELLED_CODE } from '../../jobs/job-failures.js';
import type { ChosenLots, RetryChoice } from '../../jobs/retry-store.js';

/** Only lots of a job that has ended are tried once more: until then the job itself still tries them. */
export function jobNotFinished({ status }: JobRecord): ServiceError {
  return new ServiceError(
    'JOB_NOT_FINISHED',
    `The job is ${status}. Its failed lots can be retried once it has ended; it can be cancelled.`,
    { members: { status } },
  );
}

/**
 * @param codes - how many lots of the job have no result, by the code that would choose them
 */
export function nothingToRetry(
  choice: RetryChoice,
  { elsewhere, retries }: ChosenLots,
  codes: Readonly<Record<string, number>>,
): ServiceError {
  const details = { codes, lots_in_other_retries: elsewhere, retried_by: retries };
  return new ServiceError('NOTHING_TO_RETRY', reasonOf(choice, elsewhere, retries, codes), { details });
}

function reasonOf(
  choice: RetryChoice,
  elsewhere: number,
  retries: readonly string[],
  codes: Readonly<Record<string, number>>,
): string {
  if (elsewhere > 0) {
    const named = retries.length === 1 ? `job ${retries[0]}` : `jobs ${retries.join(', ')}`;
    return `Lots chosen: ${elsewhere}. A retry has them in hand or has described them: ${named}.`;
  }
  if (Object.keys(codes).length === 0) return 'Every lot of the job was described.';
  const cancelled = codes[CANCELLED_CODE] !== undefined && choice.codes?.includes(CANCELLED_CODE) !== true;
  const hint = cancelled ? ` Lots without a result of a cancelled job need codes: ["${CANCELLED_CODE}"].` : '';
  return `No lot that was chosen has failed; details.codes counts the job’s failed lots.${hint}`;
}

/** What is said about chosen lots that are left out, in the answer's warnings. */
export function leftOut({ lotIds }: RetryChoice, { lots, elsewhere }: ChosenLots): string[] {
  const notFailed = lotIds === null ? 0 : lotIds.length - lots - elsewhere;
  return [
    ...(elsewhere === 0 ? [] : [`lots_in_other_retries:${elsewhere}`]),
    ...(notFailed === 0 ? [] : [`lots_not_chosen:${notFailed}`]),
  ];
}
