import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { isUuid } from '../common/ids.js';
import { ServiceError } from '../common/service-error.js';
import { Database, type Reads, type Transaction } from '../database/database.service.js';
import {
  ENDED_COLUMNS,
  JOB_COLUMNS,
  RUNNING_COLUMNS,
  SHARD_COLUMNS,
  type EndedJob,
  type JobRecord,
  type RunningJob,
  type ShardJob,
} from './job-columns.js';
import { isOverdueSql } from './job-store.js';
import { MergedLookup } from './merged-lookup.js';
import { NOBODY } from './retention-store.js';
import { SharedReads } from './shared-reads.js';
import { TERMINAL_SQL, UNFINISHED_SQL, type JobMode, type JobStatus } from './states.js';

export interface JobFilter {
  readonly keyId: string;
  /** Only jobs in one of these states. */
  readonly statuses?: readonly JobStatus[];
  /** If absent: batches, and synchronous jobs that were handed over. */
  readonly mode?: JobMode;
  /** Only jobs that were created at this time or later. */
  readonly createdAfter?: Date;
  /** Only jobs that were created before this time. */
  readonly createdBefore?: Date;
}

export interface AskedWebhooks {
  readonly webhookUrl: string | null;
  readonly events: readonly string[];
}

export interface JobPageRequest {
  readonly limit: number;
  /** Ignored with `afterId`. */
  readonly offset: number;
  /** The last id of the page before. With it every page costs the same, however far back it is. */
  readonly afterId?: string;
}

export interface JobPage {
  readonly jobs: JobRecord[];
  /** The number of jobs that the filter finds. */
  readonly total: number;
  readonly hasMore: boolean;
}

/** Batches, and synchronous jobs that were handed over; written as in their partial index. */
const LISTED_SQL = `(mode = 'batch' or handed_over_at is not null)`;
/** The same by mode, as constants: with the mode as a parameter, PostgreSQL would not use the partial index. */
const LISTED_BY_MODE: Readonly<Record<JobMode, string>> = {
  sync: `mode = 'sync'`,
  batch: `${LISTED_SQL} and mode = 'batch'`,
};

/** Reads jobs. A job of another key, or a text that is not an id, is not found, just like a job that never existed. */
@Injectable()
export class JobReader {
  // 50 clients that ask at once cost one or two statements, not 50.
  private readonly byId = new MergedLookup<JobRecord>((ids) => this.findMany(ids));
  // An exact total reads every job that it counts, so clients that ask for the same list meanwhile share the next
  // count.
  private readonly totals = new SharedReads<number>();

  constructor(private readonly database: Database) {}

  /**
   * @param keyId - null finds any key's job; only for LEGACY_UNSIGNED_READS
   * @throws ServiceError JOB_NOT_FOUND
   */
  async find(id: string, keyId: string | null): Promise<JobRecord> {
    return visibleJob(isUuid(id) ? await this.byId.get(id.toLowerCase()) : undefined, keyId);
  }

  /**
   * Keeps the job from being removed until the transaction ends.
   * @throws ServiceError JOB_NOT_FOUND when its removal has begun
   */
  async hold(tx: Transaction, job: Pick<JobRecord, 'id' | 'keyId'>): Promise<void> {
    const held = await tx.query('select 1 from batch_jobs where id = $1 and key_id = $2 for share', [
      job.id,
      job.keyId,
    ]);
    if (held.length === 0) throw noSuchJob();
  }

  /**
   * A page of a key's jobs, the latest first.
   * @param sql - the primary if absent
   */
  async list(filter: JobFilter, page: JobPageRequest, sql: Reads = this.database): Promise<JobPage> {
    const values: unknown[] = [filter.keyId];
    const parameter = (value: unknown) => `$${values.push(value)}`;
    let where = 'key_id = $1';
    const { statuses } = filter;
    if (statuses?.length === 1) where += ` and status = ${parameter(statuses[0])}`;
    else if (statuses !== undefined) where += ` and status = any(${parameter(statuses)}::text[])`;
    where += ` and ${filter.mode === undefined ? LISTED_SQL : LISTED_BY_MODE[filter.mode]}`;
    if (filter.createdAfter !== undefined) where += ` and created_at >= ${parameter(filter.createdAfter)}`;
    if (filter.createdBefore !== undefined) where += ` and created_at < ${parameter(filter.createdBefore)}`;
    const total = this.count(sql, where, [...values]);
    let window = `limit ${parameter(page.limit + 1)}`;
    if (page.afterId !== undefined) where += ` and id < ${parameter(page.afterId)}`;
    else window += ` offset ${parameter(page.offset)}`;
    const [counted, rows] = await Promise.all([
      total,
      // Ids come first, from the index: jobs that an offset or a filter skips are not read from the table.
      sql.query<JobRecord>(
        `select ${JOB_COLUMNS} from batch_jobs
         where id = any(array(select id from batch_jobs where ${where} order by id desc ${window})) order by id desc`,
        values,
      ),
    ]);
    return {
      jobs: rows.slice(0, page.limit),
      total: counted,
      hasMore: rows.length > page.limit,
    };
  }

  /** The ended ones among these jobs; an ended job never changes. */
  async ended(ids: readonly string[]): Promise<EndedJob[]> {
    return this.database.query<EndedJob>(
      `select ${ENDED_COLUMNS} from batch_jobs where id = any($1::uuid[]) and status in ${TERMINAL_SQL}`,
      [ids],
    );
  }

  /** Unfinished batch jobs whose deadlines count from before a time, the oldest first. */
  async unfinishedBatches(countedBefore: Date, limit: number): Promise<ShardJob[]> {
    return this.database.query<ShardJob & QueryResultRow>(
      `select ${SHARD_COLUMNS} from batch_jobs where ${isOverdueSql('$1')} order by created_at limit ${limit}`,
      [countedBefore],
    );
  }

  /** What the work on a shard needs to know about its job. */
  async forShard(jobId: string): Promise<ShardJob | undefined> {
    const [job] = await this.database.query<ShardJob & QueryResultRow>(
      `select ${SHARD_COLUMNS} from batch_jobs where id = $1`,
      [jobId],
    );
    return job;
  }

  /** Whether a job is paused now: work that is under way must not begin its next step. */
  async isPaused(jobId: string): Promise<boolean> {
    const rows = await this.database.query('select 1 from batch_jobs where id = $1 and paused_at is not null', [jobId]);
    return rows.length > 0;
  }

  /** The job in its present state in this transaction, if it has not ended and its client asked for this event. */
  async runningThatAskedFor(tx: Transaction, jobId: string, event: string): Promise<RunningJob | undefined> {
    const [job] = await tx.query<RunningJob & QueryResultRow>(
      `select ${RUNNING_COLUMNS} from batch_jobs
       where id = $1 and status in ${UNFINISHED_SQL} and options->'webhook_events' ? $2`,
      [jobId, event],
    );
    return job;
  }

  /** Whether a lot of any job at all has a webhook of its own; from the index of such jobs. */
  async anyLotWebhook(): Promise<boolean> {
    return (await this.database.query('select 1 from batch_jobs where lot_webhooks order by id limit 1')).length > 0;
  }

  /** Which webhook events a job's client asked for, and the job's own address; undefined if it asked for none. */
  async webhooksAskedFor(tx: Transaction, jobId: string): Promise<AskedWebhooks | undefined> {
    const [job] = await tx.query<AskedWebhooks & QueryResultRow>(
      `select webhook_url as "webhookUrl", options->'webhook_events' as events from batch_jobs
       where id = $1 and options->'webhook_events' is not null`,
      [jobId],
    );
    return job;
  }

  private count(sql: Reads, where: string, values: unknown[]): Promise<number> {
    const read = async () => {
      const [row] = await sql.query<{ n: number }>(`select count(*)::int as n from batch_jobs where ${where}`, values);
      return row?.n ?? 0;
    };
    // At a replica the connection that was found to be caught up must count: another one may lead to another replica.
    return sql === this.database ? this.totals.get(JSON.stringify([where, values]), read) : read();
  }

  private async findMany(ids: string[]): Promise<Map<string, JobRecord>> {
    const rows = await this.database.query<JobRecord>(
      `select ${JOB_COLUMNS} from batch_jobs where id = any($1::uuid[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }
}

/**
 * The job that was looked up, if the key may see it. A job of another key is not found, like one that never existed.
 * @param keyId - null: any key's job
 * @throws ServiceError JOB_NOT_FOUND
 */
export function visibleJob<J extends JobRecord>(job: J | undefined, keyId: string | null): J {
  // A job without a key is being removed: its rows go one after another.
  const visible = keyId === null ? job?.keyId !== NOBODY : job?.keyId === keyId;
  if (job === undefined || !visible) throw noSuchJob();
  return job;
}

function noSuchJob(): ServiceError {
  return new ServiceError(
    'JOB_NOT_FOUND',
    'This key has no job with this job_id; GET /api/v1/batch-jobs lists those it has.',
  );
}
