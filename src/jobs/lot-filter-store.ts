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

/** How many lots a statement looks at, at most, to find those that fit. */
const WINDOW_LOTS = 1024;

/** Positions from `from` to `to`, both inclusive. */
interface Range {
  readonly from?: number;
  readonly to?: number;
}

/**
 * The ranges of positions in which lots are looked for, one after the other. Without a filter it is one. With one, a
 * statement over all that are left would look at all of them again for each page of lots that fit: 49,000 of 50,000 lots
 * that need a review took 126 s, and take 7 s so.
 */
export function* windowsOf(selection: LotFilter & Range): Generator<Range, void, undefined> {
  const { statuses, codes, needsReview, from = 0, to } = selection;
  if (to === undefined || (statuses === undefined && codes === undefined && needsReview === undefined)) {
    yield { from, ...(to !== undefined && { to }) };
    return;
  }
  for (let first = from; first <= to; first += WINDOW_LOTS)
    yield { from: first, to: Math.min(to, first + WINDOW_LOTS - 1) };
}

/** How a statement names the lots that it reads. */
export interface LotsInSql {
  /** The value that is the job's id. Each table is asked for it by itself, so that all lie on the one server that has it. */
  readonly job: string;
  /** The alias of batch_lots. */
  readonly lot: string;
  /** The condition on a position, for another table of the same lots; begins with ` and`. */
  readonly inRange: (position: string) => string;
  /** Adds a value and gives the SQL that stands for it. */
  readonly parameter: (value: unknown) => string;
}

/**
 * SQL conditions on a job's lots, for a filter. States and errors are in the lots' narrow rows, so that they need no index.
 * @returns begins with ` and`, or is empty
 */
export function lotFilterSql({ statuses, codes, needsReview }: LotFilter, job: FilteredJob, sql: LotsInSql): string {
  const { lot, parameter } = sql;
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
  if (needsReview !== undefined) where += ` and ${reviewSql(needsReview, job, sql)}`;
  return where;
}

/** A lot's review is in its English row, and each revision has its own: the highest that is shown says it. */
function reviewSql(value: boolean, job: FilteredJob, { job: id, lot, inRange, parameter }: LotsInSql): string {
  const rows = `batch_results r where r.job_id = ${id} and r.position = ${lot}.position and r.language = 'en'`;
  const revision = parameter(job.revision);
  const shown = `(select r.needs_review->>'value' from ${rows} and r.revision <= ${revision} order by r.revision desc limit 1)`;
  if (value) {
    // The first condition is that of an index that has only these lots; the second one drops those that a later
    // revision has cleared.
    const flagged = `exists (select from ${rows} and r.needs_review->>'value' = 'true'${inRange('r.position')})`;
    return `${lot}.status = ${LOT_SQL.completed} and ${flagged} and ${shown} = 'true'`;
  }
  const undescribed = job.showsReview ? `${lot}.status <> ${LOT_SQL.completed}` : 'false';
  return `(${undescribed} or ${lot}.status = ${LOT_SQL.completed} and ${shown} = 'false')`;
}
