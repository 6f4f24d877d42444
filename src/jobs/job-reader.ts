import { Injectable } from '@nestjs/common';
import { isUuid } from '../common/ids.js';
import { ServiceError } from '../common/service-error.js';
import { Database, type Transaction } from '../database/database.service.js';
import type { JobOptions, StoredError } from './batch-job.entity.js';
import { MergedLookup } from './merged-lookup.js';
import { SharedReads } from './shared-reads.js';
import type { JobMode, JobStage, JobStatus } from './states.js';

/** A job's row as its readers need it. */
export interface JobRecord {
  /** Lower case, whatever the client wrote. */
  readonly id: string;
  readonly keyId: string;
  readonly mode: JobMode;
  readonly status: JobStatus;
  readonly stage: JobStage;
  /** As sent and in the order of the request. */
  readonly languages: readonly string[];
  readonly webhookUrl: string | null;
  readonly options: JobOptions;
  readonly metadata: Readonly<Record<string, string>>;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  readonly awaitingImages: number;
  readonly awaitingVision: number;
  readonly awaitingTranslation: number;
  readonly processedImages: number;
  /** USD. */
  readonly costUsd: number;
  readonly estimatedCostUsd: number | null;
  readonly error: StoredError | null;
  /** Rises with whatever the status shows of this row. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly handedOverAt: Date | null;
  readonly completedAt: Date | null;
  readonly cancelledAt: Date | null;
}

export interface JobFilter {
  readonly keyId: string;
  /** In one of these states. */
  readonly statuses?: readonly JobStatus[];
  /** Absent: batches, and synchronous jobs that were handed over. */
  readonly mode?: JobMode;
  /** From this moment on. */
  readonly createdAfter?: Date;
  /** Before this moment, not at it. */
  readonly createdBefore?: Date;
}

export interface JobPageRequest {
  readonly limit: number;
  /** Ignored with `afterId`. */
  readonly offset: number;
  /** The last id of the page before; the next page costs the same however far back it is. */
  readonly afterId?: string;
}

export interface JobPage {
  readonly jobs: JobRecord[];
  /** All jobs that the filter lets through. */
  readonly total: number;
  readonly hasMore: boolean;
}

/** Batches, and synchronous jobs that were handed over; spelt as the partial index of them is. */
const LISTED_SQL = `(mode = 'batch' or handed_over_at is not null)`;
/** By mode, spelt as the partial index that serves it is: with the mode as a parameter it could not be told that it does. */
const LISTED_BY_MODE: Readonly<Record<JobMode, string>> = {
  sync: `mode = 'sync'`,
  batch: `${LISTED_SQL} and mode = 'batch'`,
};

/** Reads jobs for those who follow them. Another key's job, or anything that is no id, is not found like one that never was. */
@Injectable()
export class JobReader {
  // 50 clients that ask at once cost a statement or two, not 50.
  private readonly byId = new MergedLookup<JobRecord>((ids) => this.findMany(ids));
  // An exact total looks at each job that it counts: clients that ask for the same list meanwhile share the next count.
  private readonly totals = new SharedReads<number>();

  constructor(private readonly database: Database) {}

  /**
   * @param keyId - null lets any key's job through: only for LEGACY_UNSIGNED_READS
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

  /** A page of a key's jobs, the latest first. */
  async list(filter: JobFilter, page: JobPageRequest): Promise<JobPage> {
    const values: unknown[] = [filter.keyId];
    const parameter = (value: unknown) => `$${values.push(value)}`;
    let where = 'key_id = $1';
    const { statuses } = filter;
    if (statuses?.length === 1) where += ` and status = ${parameter(statuses[0])}`;
    else if (statuses !== undefined) where += ` and status = any(${parameter(statuses)}::text[])`;
    where += ` and ${filter.mode === undefined ? LISTED_SQL : LISTED_BY_MODE[filter.mode]}`;
    if (filter.createdAfter !== undefined) where += ` and created_at >= ${parameter(filter.createdAfter)}`;
    if (filter.createdBefore !== undefined) where += ` and created_at < ${parameter(filter.createdBefore)}`;
    const total = this.count(where, [...values]);
    let window = `limit ${parameter(page.limit + 1)}`;
    if (page.afterId !== undefined) where += ` and id < ${parameter(page.afterId)}`;
    else window += ` offset ${parameter(page.offset)}`;
    const [counted, rows] = await Promise.all([
      total,
      // The ids first, from the index: what an offset or a filter passes over is never read from the table.
      this.database.query<JobRecord>(
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

  /** Those of the jobs in which some lot names a webhook of its own. */
  async withLotWebhooks(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    // One probe of the index a job: joined, all webhooks of 50,000 lots would be read.
    const rows = await this.database.query<{ id: string }>(
      `select id from unnest($1::uuid[]) as jobs (id) cross join lateral (
         select from batch_lot_inputs where job_id = id and webhook is not null limit 1) as one`,
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  }

  private count(where: string, values: unknown[]): Promise<number> {
    return this.totals.get(JSON.stringify([where, values]), async () => {
      const [row] = await this.database.query<{ n: number }>(
        `select count(*)::int as n from batch_jobs where ${where}`,
        values,
      );
      return row?.n ?? 0;
    });
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
 * The job that was looked up, if the key may see it: another key's is not found like one that never was.
 * @param keyId - null: any key's
 * @throws ServiceError JOB_NOT_FOUND
 */
export function visibleJob<J extends JobRecord>(job: J | undefined, keyId: string | null): J {
  if (job === undefined || (keyId !== null && job.keyId !== keyId)) throw noSuchJob();
  return job;
}

function noSuchJob(): ServiceError {
  return new ServiceError('JOB_NOT_FOUND', 'There is no job with this id; GET /api/v1/batch-jobs lists yours.');
}

/** The columns of batch_jobs as a {@link JobRecord} names them. */
export const JOB_COLUMNS = `id, key_id as "keyId", mode, status, stage, languages, webhook_url as "webhookUrl", options, metadata,
  total_lots as "totalLots", processed_lots as "processedLots", failed_lots as "failedLots",
  awaiting_images as "awaitingImages", awaiting_vision as "awaitingVision",
  awaiting_translation as "awaitingTranslation", processed_images::float8 as "processedImages",
  cost_usd::float8 as "costUsd", estimated_cost_usd::float8 as "estimatedCostUsd", error, version,
  created_at as "createdAt", updated_at as "updatedAt", started_at as "startedAt", handed_over_at as "handedOverAt",
  completed_at as "completedAt", cancelled_at as "cancelledAt"`;
