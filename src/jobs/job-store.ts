import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import { Values } from '../database/values.js';
import type { JobOptions, StoredError } from './batch-job.entity.js';
import { METADATA_BYTES } from './job-columns.js';
import { failuresWith } from './job-failures.js';
import { totalOf, type LotMoves } from './lot-moves.js';
import { endPauseSql } from './job-pause-store.js';
import { addKeyUsageSql } from './key-usage-store.js';
import type { PinnedGlossaries } from './job-glossary-store.js';
import {
  FIRST_STATE,
  IN_VAIN_SQL,
  JOB_SQL,
  JOB_STAGE_SQL,
  runningStateSql,
  UNFINISHED_SQL,
  type JobMode,
  type ModelStage,
  type TerminalStatus,
} from './states.js';
import { ADD_CALLS_TO_KEY_SQL, ADD_JOB_USAGE_SQL, callsSql, COST_OF_CALLS_SQL } from './usage-store.js';

/** A job that is being accepted; its lots follow in the same transaction. */
export interface NewJob extends PinnedGlossaries {
  readonly id: string;
  readonly keyId: string;
  readonly secretFingerprint: string;
  readonly mode: JobMode;
  readonly languages: readonly string[];
  readonly webhookUrl: string | null;
  /** Whether some lot has a webhook of its own. */
  readonly lotWebhooks: boolean;
  readonly options: JobOptions;
  readonly metadata: Readonly<Record<string, string>>;
  /** The job whose lots it tries once more; null for lots that a client sent. */
  readonly retryOf: string | null;
  readonly totalLots: number;
  readonly totalImages: number;
  readonly estimatedCostUsd: number | null;
  /** The lease of a synchronous job: it is inserted as claimed by the process that answers it. Null for a batch. */
  readonly lease: { readonly token: string; readonly seconds: number } | null;
}

export interface AdvancedJob {
  /** True once every lot has ended: the caller must then end the job in the same transaction. */
  readonly finished: boolean;
  readonly processedLots: number;
}

/** Tokens and cost (USD) of one answered call, or the sums of many. */
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

/** A job's row after its end was written, as webhooks need it. */
interface EndedRow {
  readonly keyId: string;
  readonly mode: JobMode;
  readonly handedOverAt: Date | null;
  readonly webhookUrl: string | null;
  readonly lotWebhooks: boolean;
  readonly metadataBytes: number;
}

/** SQL of the fingerprint of the secret that signed a job's request. @param jobId - SQL of the job's id */
export function secretFingerprintSql(jobId: string): string {
  return `(select secret_fingerprint from batch_jobs where id = ${jobId})`;
}

/** SQL of the ids of batch jobs that have not ended and whose deadlines count from before a time. */
export function unfinishedBatchesSql(countedBefore: string): string {
  return `(select id from batch_jobs where ${isOverdueSql(countedBefore)})`;
}

/**
 * SQL: an unfinished batch job whose deadlines count from before a time. They stand still while it is paused. The
 * condition on created_at alone is for the partial index.
 */
export function isOverdueSql(countedBefore: string): string {
  return `mode = 'batch' and status in ${UNFINISHED_SQL} and created_at < ${countedBefore} and paused_at is null
    and created_at + paused_ms * interval '1 millisecond' < ${countedBefore}`;
}
/** SQL of the job's status and stage after {@link JobStore.advance} has added the moves. */
const ADVANCED = runningStateSql({
  awaitingImages: 'awaiting_images + $2',
  awaitingVision: 'awaiting_vision + $3',
  awaitingTranslation: 'awaiting_translation + $4',
});

/** The SQL of the job's own row: accept, advance, end, cost. Lots and results have stores of their own. */
@Injectable()
export class JobStore {
  constructor(
    private readonly database: Database,
    @Inject(APP_CONFIG) private readonly config: { readonly openai: Pick<AppConfig['openai'], 'visionModel'> },
  ) {}

  /** Inserts the job's row. @param sql - the transaction that accepts the request */
  async insert(sql: Sql, job: NewJob): Promise<void> {
    const values = new Values();
    await sql.execute(insertJob(values, job), values.list);
  }

  /** Whether the job exists; asked when the answer to its commit was lost. */
  async exists(jobId: string): Promise<boolean> {
    return (await this.database.query('select 1 from batch_jobs where id = $1', [jobId])).length > 0;
  }

  /**
   * The number of a key id's unfinished batch jobs, at most `atMost`, for MAX_ACTIVE_JOBS. An index answers this alone.
   */
  async countActive(sql: Sql, keyId: string, atMost: number): Promise<number> {
    const [row] = await sql.query<{ n: string }>(
      `select count(*) as n from (select 1 from batch_jobs
        where key_id = $1 and mode = 'batch' and status in ${UNFINISHED_SQL} limit $2) active`,
      [keyId, atMost],
    );
    return Number(row?.n ?? 0);
  }

  /**
   * Adds `moves` to the job's counters and derives its status and stage from them. Completed lots count for the key too, by
   * the vision model.
   * @returns null when the job has ended: the caller must roll back and count only the usage
   */
  async advance(tx: Transaction, jobId: string, moves: LotMoves): Promise<AdvancedJob | null> {
    const values = [
      jobId,
      moves.awaitingImages ?? 0,
      moves.awaitingVision ?? 0,
      moves.awaitingTranslation ?? 0,
      moves.processed ?? 0,
      totalOf(moves.failed),
      moves.images ?? 0,
      this.config.openai.visionModel,
      JSON.stringify(moves.failed ?? {}),
    ];
    const [row] = await tx.query<{ finished: boolean; processed_lots: number }>(
      `with job as (
         update batch_jobs set
           awaiting_images = awaiting_images + $2,
           awaiting_vision = awaiting_vision + $3,
           awaiting_translation = awaiting_translation + $4,
           processed_lots = processed_lots + $5,
           failed_lots = failed_lots + $6,
           failures = ${failuresWith('$9::jsonb')},
           processed_images = processed_images + $7,
           status = ${ADVANCED.status},
           stage = ${ADVANCED.stage},
           started_at = coalesce(started_at, now()),
           updated_at = now(),
           version = version + 1
         where id = $1 and status in ${UNFINISHED_SQL}
         returning key_id, mode, processed_lots + failed_lots = total_lots as finished, processed_lots),
       used as (${addKeyUsageSql({ model: '$8', lots: '$5' }, 'job where $5 <> 0')})
       select finished, processed_lots from job`,
      values,
    );
    return row === undefined ? null : { finished: row.finished, processedLots: row.processed_lots };
  }

  /**
   * Writes a job's last state; its counts must already be right.
   * @returns undefined when it had ended before or does not exist; nothing was changed then
   */
  async end(
    tx: Transaction,
    jobId: string,
    status: TerminalStatus,
    at: Date,
    error?: StoredError,
  ): Promise<EndedRow | undefined> {
    const [job] = await tx.query<EndedRow & { [column: string]: unknown }>(
      `update batch_jobs set status = $2, stage = ${JOB_STAGE_SQL.done}, error = coalesce($3::jsonb, error), version = version + 1,
         completed_at = case when $2 = ${JOB_SQL.cancelled} then completed_at else $4 end,
         cancelled_at = case when $2 = ${JOB_SQL.cancelled} then $4 else cancelled_at end,
         updated_at = $4, locked_until = null, lock_token = null, ${endPauseSql('$4')}
       where id = $1 and status in ${UNFINISHED_SQL}
       returning key_id as "keyId", mode, handed_over_at as "handedOverAt", webhook_url as "webhookUrl",
         lot_webhooks as "lotWebhooks", ${METADATA_BYTES}`,
      [jobId, status, error === undefined ? null : JSON.stringify(error), at],
    );
    return job;
  }

  /**
   * Adds to what the job, and its key on this day, has cost. This also counts for a job that has ended, because the calls are
   * billed.
   */
  async addUsage(sql: Sql, jobId: string, rows: readonly UsageRow[]): Promise<void> {
    if (rows.length === 0) return;
    const values = new Values(jobId);
    await sql.execute(
      `with calls as (${callsSql(values, rows)}),
       job as (update batch_jobs set cost_usd = cost_usd + ${COST_OF_CALLS_SQL} where id = $1 returning id, key_id, mode),
       usage as (${ADD_JOB_USAGE_SQL})
       ${ADD_CALLS_TO_KEY_SQL}`,
      values.list,
    );
  }

  /** Sets a synchronous job's handed_over_at, unless it is set. @returns false when the job has ended already */
  async handOver(jobId: string): Promise<boolean> {
    return (
      (await this.database.execute(
        `update batch_jobs set handed_over_at = coalesce(handed_over_at, now()), version = version + 1, updated_at = now()
         where id = $1 and mode = 'sync' and status in ${UNFINISHED_SQL}`,
        [jobId],
      )) === 1
    );
  }

  /** Whether the job exists and was not cancelled. */
  async stands(jobId: string): Promise<boolean> {
    const rows = await this.database.query(
      `select 1 from batch_jobs where id = $1 and status <> ${JOB_SQL.cancelled}`,
      [jobId],
    );
    return rows.length > 0;
  }
}

/**
 * SQL: whether a job failed or was cancelled, so that the same request may make a new one.
 * @param id - SQL of its id
 */
export function endedInVain(id: string): string {
  return `exists (select 1 from batch_jobs j where j.id = ${id} and j.status in ${IN_VAIN_SQL})`;
}

/**
 * SQL that inserts a job's row. It is the only list of a new row's columns, for batches and synchronous jobs.
 * @param from - a `from` clause such as `from key`: the job is inserted only if that part of the statement has a row
 */
export function insertJob(values: Values, job: NewJob, from = ''): string {
  const first = FIRST_STATE[job.mode];
  const columns: readonly [name: string, value: string][] = [
    ['id', `${values.add(job.id)}::uuid`],
    ['key_id', `${values.add(job.keyId)}::text`],
    ['secret_fingerprint', `${values.add(job.secretFingerprint)}::text`],
    ['mode', `${values.add(job.mode)}::text`],
    ['status', JOB_SQL[first.status]],
    ['stage', JOB_STAGE_SQL[first.stage]],
    ['languages', `${values.add(job.languages)}::text[]`],
    ['webhook_url', `${values.add(job.webhookUrl)}::text`],
    ['lot_webhooks', `${values.add(job.lotWebhooks)}::boolean`],
    ['options', `${values.add(JSON.stringify(job.options))}::jsonb`],
    ['metadata', `${values.add(JSON.stringify(job.metadata))}::jsonb`],
    ['glossaries', `${values.add(JSON.stringify(job.glossaries))}::jsonb`],
    ['retry_of', `${values.add(job.retryOf)}::uuid`],
    ['client_words', `${values.add(job.clientWords)}::text`],
    ['total_lots', `${values.add(job.totalLots)}::integer`],
    [first.awaiting, `${values.add(job.totalLots)}::integer`],
    ['total_images', `${values.add(job.totalImages)}::bigint`],
    ['estimated_cost_usd', `${values.add(job.estimatedCostUsd)}::numeric`],
    ['shows_review', 'true'],
    ['created_at', 'now()'],
    ['updated_at', 'now()'],
    ['started_at', first.started ? 'now()' : 'null'],
    ['lock_token', `${values.add(job.lease?.token ?? null)}::uuid`],
    ['locked_until', `clock_timestamp() + ${values.add(job.lease?.seconds ?? null)} * interval '1 second'`],
  ];
  return `insert into batch_jobs (${columns.map(([name]) => name).join(', ')})
    select ${columns.map(([, value]) => value).join(', ')} ${from}`;
}
