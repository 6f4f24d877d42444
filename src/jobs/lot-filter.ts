import { CANCELLED_CODE } from './job-failures.js';
import { LOT_ENDED_SQL, LOT_SQL, type JobStatus } from './states.js';

/** Which of a job's lots are read; every member that is there must fit. */
export interface LotFilter {
  /** Lots that are shown with one of these states. */
  readonly statuses?: readonly ('completed' | 'failed' | 'cancelled')[];
  /** Lots that failed with one of these codes; CANCELLED is those without a result of a cancelled job. */
  readonly codes?: readonly string[];
  /** Lots whose `needs_review` has this value. A lot from before, which has no such member, fits neither. */
  readonly needsReview?: boolean;
}

/** The part of a job that decides how its lots are shown. */
export interface FilteredJob {
  readonly status: JobStatus;
  readonly revision: number;
  readonly showsReview: boolean;
}

/**
 * SQL conditions on a job's lots, for a filter. States and errors are in the lots' narrow rows: 50,000 of them are read
 * in some 20 ms, so that they need no index.
 * @param lot - alias of batch_lots
 * @param parameter - adds a value and gives the SQL that stands for it
 * @returns begins with ` and`, or is empty
 */
export function lotFilterSql(
  { statuses, codes, needsReview }: LotFilter,
  job: FilteredJob,
  lot: string,
  parameter: (value: unknown) => string,
): string {
  const cancelled = job.status === 'cancelled' ? `${lot}.status not in ${LOT_ENDED_SQL}` : 'false';
  let where = '';
  if (statuses !== undefined) {
    const stored = statuses.filter((status) => status !== 'cancelled').map((status) => LOT_SQL[status]);
    const either = stored.length === 0 ? 'false' : `${lot}.status in (${stored.join(', ')})`;
    where += ` and (${either} or ${statuses.includes('cancelled') ? cancelled : 'false'})`;
  }
  if (codes !== undefined) {
    const either = codes.includes(CANCELLED_CODE) ? cancelled : 'false';
    where += ` and (${lot}.error->>'code' = any(${parameter(codes)}::text[]) or ${either})`;
  }
  if (needsReview !== undefined) where += ` and ${reviewSql(needsReview, job, lot, parameter)}`;
  return where;
}

/** A lot's review is in its English row, and each revision has its own: the highest that is shown says it. */
function reviewSql(value: boolean, job: FilteredJob, lot: string, parameter: (value: unknown) => string): string {
  const rows = `batch_results r where r.job_id = ${lot}.job_id and r.position = ${lot}.position and r.language = 'en'`;
  const revision = parameter(job.revision);
  const shown = `(select r.needs_review->>'value' from ${rows} and r.revision <= ${revision} order by r.revision desc limit 1)`;
  if (value) {
    // The first condition is that of an index that has only these lots; the second one drops those that a later
    // revision has cleared.
    const flagged = `exists (select from ${rows} and r.needs_review->>'value' = 'true')`;
    return `${lot}.status = ${LOT_SQL.completed} and ${flagged} and ${shown} = 'true'`;
  }
  const undescribed = job.showsReview ? `${lot}.status <> ${LOT_SQL.completed}` : 'false';
  return `(${undescribed} or ${lot}.status = ${LOT_SQL.completed} and ${shown} = 'false')`;
}
