import { isTerminal, type JobStatus } from './states.js';

/** The failed lots of one code, as they are kept in the job's row. */
interface FailureCounter {
  readonly lots: number;
  /** When the first and the last of them failed: JSON's text of a time. */
  readonly first: string;
  readonly last: string;
}

/** By the code of the lots' error. */
export type FailureCounters = Readonly<Record<string, FailureCounter>>;

/** The code under which lots without a result of a cancelled job are counted. It is no error of a lot and never stored. */
export const CANCELLED_CODE = 'CANCELLED';

export interface JobFailure {
  readonly code: string;
  readonly lots: number;
  readonly first: Date;
  readonly last: Date;
}

interface FailedJob {
  readonly status: JobStatus;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  readonly cancelledAt: Date | null;
  readonly failures: FailureCounters;
}

/**
 * A job's lots without a description by code, most lots first. All of it is in the job's row: no lot is read, however
 * often a client asks.
 */
export function failuresByCode(job: FailedJob): JobFailure[] {
  const failures = Object.entries(job.failures).map(([code, { lots, first, last }]) => ({
    code,
    lots,
    first: new Date(first),
    last: new Date(last),
  }));
  const left = job.totalLots - job.processedLots - job.failedLots;
  if (isTerminal(job.status) && job.cancelledAt !== null && left > 0) {
    failures.push({ code: CANCELLED_CODE, lots: left, first: job.cancelledAt, last: job.cancelledAt });
  }
  return failures.sort((a, b) => b.lots - a.lots || (a.code < b.code ? -1 : 1));
}

/**
 * SQL of a job's failures with some that the transaction adds now. Their time is `now()`, which the lots' `finished_at`
 * has too. PostgreSQL works it out anew on the newest row when it had to wait for that, so none is lost.
 * @param added - SQL of a JSON object: lots by code
 */
export function failuresWith(added: string): string {
  return `case when ${added} = '{}' then failures else (
    select jsonb_object_agg(code, jsonb_build_object('lots', lots, 'first', first, 'last', last))
    from (
      select code, sum(lots) as lots, min(first) as first, max(last) as last
      from (
        select key as code, (value->>'lots')::int as lots, (value->>'first')::timestamptz as first,
          (value->>'last')::timestamptz as last
        from jsonb_each(failures)
        union all
        select key, value::int, now(), now() from jsonb_each_text(${added})
      ) each group by code
    ) by_code) end`;
}
