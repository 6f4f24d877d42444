import { Injectable } from '@nestjs/common';
import { missingColumns, type MissingPhoto } from '../common/missing-photo.js';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import type { JobOptions, StoredError } from './batch-job.entity.js';
import { UNFINISHED_SQL, type JobMode, type ModelStage } from './states.js';

/** A job as it is accepted; its lots follow in the same transaction. */
export interface NewJob {
  readonly id: string;
  readonly keyId: string;
  readonly secretFingerprint: string;
  readonly mode: JobMode;
  readonly languages: readonly string[];
  readonly webhookUrl: string | null;
  readonly options: JobOptions;
  readonly metadata: Readonly<Record<string, string>>;
  readonly totalLots: number;
  readonly totalImages: number;
  readonly estimatedCostUsd: number | null;
  /** A synchronous job is born claimed by the process that answers it. */
  readonly lease: { readonly token: string; readonly seconds: number } | null;
}

/** How many lots a statement moved; every member is added to the job's counter of that name. */
export interface LotMoves {
  readonly awaitingImages?: number;
  readonly awaitingVision?: number;
  readonly awaitingTranslation?: number;
  readonly processed?: number;
  readonly failed?: number;
  readonly images?: number;
}

export interface AdvancedJob {
  /** True once every lot has ended: whoever sees it ends the job in the same transaction. */
  readonly finished: boolean;
  readonly processedLots: number;
}

/** Tokens and price of one answered call (or the sum of many). */
export interface UsageRow {
  readonly stage: ModelStage;
  readonly model: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly costUsd: number;
}

/** A lot that ends without a description. */
export interface FailedLot {
  readonly position: number;
  readonly error: StoredError;
  readonly missingImages: readonly MissingPhoto[];
}

/** Which secret signed a job's request, for a statement that reads it beside rows of its own. */
export function secretFingerprintSql(jobId: string): string {
  return `(select secret_fingerprint from batch_jobs where id = ${jobId})`;
}

/** Batches that were accepted before a time and have not ended: a query of their ids. */
export function unfinishedBatchesSql(acceptedBefore: string): string {
  return `(select id from batch_jobs where mode = 'batch' and status in ${UNFINISHED_SQL} and created_at < ${acceptedBefore})`;
}

/** The job's own row: accepting, advancing, leases and cost. Lots and results have stores of their own. */
@Injectable()
export class JobStore {
  constructor(private readonly database: Database) {}

  /** Inserts the job's row; `sql` is the intake's transaction. */
  async insert(sql: Sql, job: NewJob): Promise<void> {
    await sql.execute(
      `insert into batch_jobs (id, key_id, secret_fingerprint, mode, languages, webhook_url, options, metadata,
         total_lots, total_images, awaiting_images, estimated_cost_usd, created_at, updated_at, lock_token, locked_until)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11, now(), now(), $12,
         clock_timestamp() + $13 * interval '1 second')`,
      [
        job.id,
        job.keyId,
        job.secretFingerprint,
        job.mode,
        job.languages,
        job.webhookUrl,
        job.options,
        job.metadata,
        job.totalLots,
        job.totalImages,
        job.estimatedCostUsd,
        job.lease?.token ?? null,
        job.lease?.seconds ?? null,
      ],
    );
  }

  /** Unfinished jobs of a key id, for MAX_ACTIVE_JOBS; an index of unfinished jobs alone answers it. */
  async countActive(sql: Sql, keyId: string, atMost: number): Promise<number> {
    const [row] = await sql.query<{ n: string }>(
      `select count(*) as n from (select 1 from batch_jobs
        where key_id = $1 and mode = 'batch' and status in ${UNFINISHED_SQL} limit $2) active`,
      [keyId, atMost],
    );
    return Number(row?.n ?? 0);
  }

  /**
   * Adds `moves` to the job's counters and derives its status and stage from them.
   * @returns null when the job has ended (or, with `token`, is no longer held): roll back, count usage only
   */
  async advance(tx: Transaction, jobId: string, moves: LotMoves, token?: string): Promise<AdvancedJob | null> {
    const values: unknown[] = [
      jobId,
      moves.awaitingImages ?? 0,
      moves.awaitingVision ?? 0,
      moves.awaitingTranslation ?? 0,
      moves.processed ?? 0,
      moves.failed ?? 0,
      moves.images ?? 0,
    ];
    if (token !== undefined) values.push(token);
    const [row] = await tx.query<{ finished: boolean; processed_lots: number }>(
      `update batch_jobs set
         awaiting_images = awaiting_images + $2,
         awaiting_vision = awaiting_vision + $3,
         awaiting_translation = awaiting_translation + $4,
         processed_lots = processed_lots + $5,
         failed_lots = failed_lots + $6,
         processed_images = processed_images + $7,
         status = case when awaiting_images + $2 + awaiting_vision + $3 = 0 and awaiting_translation + $4 > 0
           then 'translating'
           -- Never backwards: lots that are tried again must not take a translating job back.
           when status = 'translating' then status else 'processing' end,
         stage = case when awaiting_images + $2 > 0 then 'image_check'
           when awaiting_vision + $3 > 0 then 'vision_analysis'
           when awaiting_translation + $4 > 0 then 'translation' else 'finishing' end,
         started_at = coalesce(started_at, now()),
         updated_at = now(),
         version = version + 1
       where id = $1 and status in ${UNFINISHED_SQL} ${token === undefined ? '' : 'and lock_token = $8'}
       returning processed_lots + failed_lots = total_lots as finished, processed_lots`,
      values,
    );
    return row === undefined ? null : { finished: row.finished, processedLots: row.processed_lots };
  }

  /** Moves the one lot of a synchronous job to `failed` wherever it stood; false when the job has ended. */
  async failOnly(tx: Transaction, jobId: string): Promise<boolean> {
    return (
      (await tx.execute(
        `update batch_jobs set awaiting_images = 0, awaiting_vision = 0, awaiting_translation = 0, failed_lots = 1
         where id = $1 and mode = 'sync' and status in ${UNFINISHED_SQL}`,
        [jobId],
      )) === 1
    );
  }

  /** Adds to what the job has cost; counted even when the job has ended, because it is billed all the same. */
  async addUsage(sql: Sql, jobId: string, rows: readonly UsageRow[]): Promise<void> {
    for (const row of rows) {
      await sql.execute(
        `with usage as (
           insert into job_usage as u (job_id, stage, model, calls, input_tokens, cached_input_tokens, output_tokens,
             reasoning_tokens, cost_usd) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (job_id, stage, model) do update set
             calls = u.calls + excluded.calls,
             input_tokens = u.input_tokens + excluded.input_tokens,
             cached_input_tokens = u.cached_input_tokens + excluded.cached_input_tokens,
             output_tokens = u.output_tokens + excluded.output_tokens,
             reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
             cost_usd = u.cost_usd + excluded.cost_usd)
         update batch_jobs set cost_usd = cost_usd + $9 where id = $1`,
        [
          jobId,
          row.stage,
          row.model,
          row.calls,
          row.inputTokens,
          row.cachedInputTokens,
          row.outputTokens,
          row.reasoningTokens,
          row.costUsd,
        ],
      );
    }
  }

  /** Writes the ends of lots that failed; the caller advances the job's counters in the same transaction. */
  async failLots(tx: Transaction, jobId: string, lots: readonly FailedLot[]): Promise<number> {
    return tx.execute(
      `update batch_lots l set status = 'failed', error = f.error, missing_images = f.urls, missing_reasons = f.reasons,
         waiting_images = null, finished_at = now()
       from unnest($2::int[], $3::jsonb[], $4::json[], $5::json[]) as f (position, error, urls, reasons)
       where l.job_id = $1 and l.position = f.position and l.status not in ('completed', 'failed')`,
      [
        jobId,
        lots.map((lot) => lot.position),
        lots.map((lot) => JSON.stringify(lot.error)),
        lots.map((lot) => missingColumns(lot.missingImages)?.urls ?? null),
        lots.map((lot) => missingColumns(lot.missingImages)?.reasons ?? null),
      ],
    );
  }

  /** Sets a synchronous job's handed_over_at, once; false when the job has ended already. */
  async handOver(jobId: string): Promise<boolean> {
    return (
      (await this.database.execute(
        `update batch_jobs set handed_over_at = coalesce(handed_over_at, now()), version = version + 1, updated_at = now()
         where id = $1 and mode = 'sync' and status in ${UNFINISHED_SQL}`,
        [jobId],
      )) === 1
    );
  }

  /** Whether the job is there and was not cancelled. */
  async stands(jobId: string): Promise<boolean> {
    const rows = await this.database.query(`select 1 from batch_jobs where id = $1 and status <> 'cancelled'`, [jobId]);
    return rows.length > 0;
  }
}
