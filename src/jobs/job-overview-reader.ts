import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { DAY_MS } from '../common/clock.js';
import { firstIdAt } from '../common/ids.js';
import { Database } from '../database/database.service.js';
import { MOST_PAUSED_MS } from './job-pause.js';
import { NOBODY } from './retention-store.js';
import { LOT_SQL, UNFINISHED_SQL, type JobMode, type JobStage, type JobStatus } from './states.js';

/** Unfinished jobs of one state. */
export interface UnfinishedJobs {
  readonly status: JobStatus;
  readonly jobs: number;
  readonly paused: number;
  /** Their lots that have not ended. */
  readonly lots: number;
  readonly oldest: Date;
}

export interface ListedJob {
  readonly id: string;
  readonly keyId: string;
  readonly mode: JobMode;
  readonly status: JobStatus;
  readonly stage: JobStage;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  readonly costUsd: number;
  readonly pausedByClient: boolean;
  readonly operatorPauseReason: string | null;
  readonly pausedAt: Date | null;
  readonly retryOf: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ListedJobsFilter {
  /** null: those that have not ended. */
  readonly statuses: readonly JobStatus[] | null;
  /** null: of every key. */
  readonly keyId: string | null;
  readonly limit: number;
}

/** Failed lots of one code, over all jobs. */
export interface FailedByCode {
  readonly code: string;
  readonly lots: number;
  readonly jobs: number;
  readonly first: Date;
  readonly last: Date;
}

export interface FailedLot {
  readonly lotId: string;
  readonly code: string;
  readonly message: string;
  readonly finishedAt: Date | null;
}

/** How long a job may be unfinished: its deadline of a day at most, a pause, and a day to take in what came last. */
const LONGEST_JOB_MS = MOST_PAUSED_MS + 3 * DAY_MS;
/** A job whose removal has begun belongs to no key any more. */
const IS_THERE = `key_id <> '${NOBODY}'`;

/** What operators see of the jobs of all keys. Nothing here reads the lots of more than one job. */
@Injectable()
export class JobOverviewReader {
  constructor(private readonly database: Database) {}

  /** From the partial index of unfinished jobs. */
  async unfinished(): Promise<UnfinishedJobs[]> {
    return this.database.query<UnfinishedJobs & QueryResultRow>(
      `select status, count(*)::int as jobs, count(paused_at)::int as paused,
         sum(total_lots - processed_lots - failed_lots)::int as lots, min(created_at) as oldest
       from batch_jobs where status in ${UNFINISHED_SQL} group by 1 order by oldest`,
    );
  }

  /** The unfinished job that has run longest, of those that are not paused; `since` is later by its earlier pauses. */
  async oldestRunning(): Promise<{ id: string; since: Date } | null> {
    const [job] = await this.database.query<{ id: string; since: Date }>(
      `select id, created_at + paused_ms * interval '1 millisecond' as since from batch_jobs
       where status in ${UNFINISHED_SQL} and paused_at is null order by since limit 1`,
    );
    return job ?? null;
  }

  /** How many jobs have ended since a time, by their state. */
  async endedSince(since: Date): Promise<{ status: JobStatus; jobs: number }[]> {
    return this.database.query<{ status: JobStatus; jobs: number }>(
      `select status, count(*)::int as jobs from batch_jobs
       where coalesce(completed_at, cancelled_at) >= $1 and ${IS_THERE} group by 1 order by 1`,
      [since],
    );
  }

  /** The oldest unfinished jobs first; of ended ones the latest first. */
  async list({ statuses, keyId, limit }: ListedJobsFilter): Promise<ListedJob[]> {
    const values: unknown[] = [limit];
    const parameter = (value: unknown) => `$${values.push(value)}`;
    const where = [
      IS_THERE,
      statuses === null ? `status in ${UNFINISHED_SQL}` : `status = any(${parameter(statuses)}::text[])`,
      ...(keyId === null ? [] : [`key_id = ${parameter(keyId)}`]),
    ].join(' and ');
    return this.database.query<ListedJob & QueryResultRow>(
      `select id, key_id as "keyId", mode, status, stage, total_lots as "totalLots", processed_lots as "processedLots",
         failed_lots as "failedLots", cost_usd::float8 as "costUsd", paused_by_client as "pausedByClient",
         operator_pause_reason as "operatorPauseReason", paused_at as "pausedAt", retry_of as "retryOf",
         created_at as "createdAt", updated_at as "updatedAt"
       from batch_jobs where ${where} order by id ${statuses === null ? 'asc' : 'desc'} limit $1`,
      values,
    );
  }

  /**
   * Failed lots by code, most lots first, from the jobs' counters: of a job whose last lot with this code failed since then,
   * all with this code are counted.
   */
  async failuresSince(since: Date, keyId: string | null): Promise<FailedByCode[]> {
    return this.database.query<FailedByCode & QueryResultRow>(
      `select f.key as code, sum((f.value->>'lots')::int)::int as lots, count(*)::int as jobs,
         min((f.value->>'first')::timestamptz) as first, max((f.value->>'last')::timestamptz) as last
       from batch_jobs j cross join lateral jsonb_each(j.failures) f
       where j.id >= $2 and j.failed_lots > 0 and j.${IS_THERE} and (f.value->>'last')::timestamptz >= $1
         ${keyId === null ? '' : 'and j.key_id = $3'}
       group by 1 order by 2 desc, 1`,
      // Ids begin with their time, so older jobs are not even read.
      [since, firstIdAt(since.getTime() - LONGEST_JOB_MS), ...(keyId === null ? [] : [keyId])],
    );
  }

  /** The first failed lots of a job. @param code - null: with any code */
  async failedLots(jobId: string, code: string | null, limit: number): Promise<FailedLot[]> {
    return this.database.query<FailedLot & QueryResultRow>(
      `select lot_id as "lotId", error->>'code' as code, error->>'message' as message, finished_at as "finishedAt"
       from batch_lots where job_id = $1 and status = ${LOT_SQL.failed} ${code === null ? '' : `and error->>'code' = $3`}
       order by position limit $2`,
      [jobId, limit, ...(code === null ? [] : [code])],
    );
  }
}
