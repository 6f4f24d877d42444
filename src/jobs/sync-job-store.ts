import { Inject, Injectable } from '@nestjs/common';
import { missingColumns, type MissingPhoto } from '../common/missing-photo.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import { Values } from '../database/values.js';
import type { StoredError } from './batch-job.entity.js';
import { COMPLETED_COLUMNS, type CompletedJob } from './job-columns.js';
import { failuresWith } from './job-failures.js';
import { failuresOf } from './lot-moves.js';
import { LotStore } from './lot-store.js';
import { addKeyUsageSql } from './key-usage-store.js';
import { insertJob, type NewJob } from './job-store.js';
import { storedResult, type NewResult } from './new-result.js';
import { claimKeySql, TWIN_WAIT, type NewRequestKey } from './request-key-store.js';
import { insertResults } from './result-store.js';
import { FIRST_STATE, JOB_SQL, JOB_STAGE_SQL, LOT_ENDED_SQL, LOT_SQL, runningState, UNFINISHED_SQL } from './states.js';
import type { CompletedLot, HeldSyncJob, SeenPhotos, SyncLot } from './sync-job.js';
import { ADD_CALLS_TO_KEY_SQL, ADD_JOB_USAGE_SQL, callsSql, COST_OF_CALLS_SQL } from './usage-store.js';

/** The state of a synchronous job once its only lot awaits the other languages. */
export const TRANSLATING = runningState(
  { awaitingImages: 0, awaitingVision: 0, awaitingTranslation: 1 },
  FIRST_STATE.sync.status,
);

/** SQL: the job is held by the process with this token. */
export const HELD = `id = $1 and lock_token = $2 and status in ${UNFINISHED_SQL}`;

/** The SQL of synchronous jobs alone: jobs of one lot, each held by the process that answers it. */
@Injectable()
export class SyncJobStore {
  constructor(
    private readonly database: Database,
    private readonly lots: LotStore,
    @Inject(APP_CONFIG) private readonly config: { readonly openai: Pick<AppConfig['openai'], 'visionModel'> },
  ) {}

  /**
   * Accepts a request by one statement: its key, its job (claimed by this process) and its lot, or nothing of them.
   * This is one statement and one commit instead of seven and one: at 200 requests a second the database is the
   * bottleneck.
   * @returns false when the key is taken, because the request is a repeat
   * @throws pg's 55P03 when the first request is still being accepted
   */
  async accept(job: NewJob, lot: SyncLot, key: NewRequestKey): Promise<boolean> {
    const values = new Values(key.keyId, key.kind, key.value, job.id, key.bodyHash, key.expiresAt);
    const [row] = await this.database.query<{ accepted: boolean }>(
      `with patience as materialized (select set_config('lock_timeout', '${TWIN_WAIT}', true) as set),
       key as (${claimKeySql('select $1, $2, $3, $4::uuid, $5, $6::timestamptz from patience where set is not null')}),
       job as (${insertJob(values, job, 'from key')}),
       lot as (
         insert into batch_lots (job_id, position, lot_id, status)
         select $4::uuid, 0, ${values.add(lot.lotId)}, ${LOT_SQL[FIRST_STATE.sync.lot]} from key),
       input as (
         insert into batch_lot_inputs (job_id, position, additional_info, images, webhook)
         select $4::uuid, 0, ${values.add(lot.additionalInfo)}, ${values.add(JSON.stringify(lot.images))}::json,
           ${values.add(lot.webhook)} from key)
       select exists (select 1 from key) as accepted`,
      values.list,
    );
    return row?.accepted === true;
  }

  /**
   * Stores the texts of a lot that is still to be translated into other languages.
   * @returns false when the job has ended or is held by another process; nothing was written then
   */
  async saveVision(sql: Sql, held: HeldSyncJob, rows: readonly NewResult[], photos: SeenPhotos): Promise<boolean> {
    const values = new Values(held.id, held.token);
    const [row] = await sql.query<{ saved: boolean }>(
      `with job as (
         update batch_jobs set awaiting_vision = 0, awaiting_translation = 1, status = ${JOB_SQL[TRANSLATING.status]},
           stage = ${JOB_STAGE_SQL[TRANSLATING.stage]}, processed_images = ${values.add(photos.seen)}, version = version + 1, updated_at = now()
         where ${HELD} returning id),
       lot as (
         update batch_lots l set status = ${LOT_SQL.translating}, processed_images = ${values.add(photos.seen)},
           missing_images = ${values.add(missingColumns(photos.missing)?.urls)}::json,
           missing_reasons = ${values.add(missingColumns(photos.missing)?.reasons)}::json
         from job where l.job_id = $1 and l.position = 0),
       result as (${insertResults(values, rows.map(storedResult))})
       select exists (select 1 from job) as saved`,
      values.list,
    );
    return row?.saved === true;
  }

  /**
   * Ends the job and its lot, with what they have used, by one statement: on a connection of its own it is a transaction by itself,
   * for which the database works half as long as for the same in three statements between BEGIN and COMMIT.
   * @param lot - its results are those that are still missing
   * @param handedOver - whether a job that was handed over is ended too; the caller must queue what is sent of it in the same
   *   transaction
   * @returns undefined when the job has ended, is held by another process, or was handed over; nothing was written then
   */
  async complete(
    sql: Sql,
    held: HeldSyncJob,
    lot: CompletedLot,
    { at, handedOver }: { readonly at: Date; readonly handedOver: boolean },
  ): Promise<CompletedJob | undefined> {
    const { photos } = lot;
    const missing = missingColumns(photos?.missing ?? []);
    const values = new Values(held.id, held.token, at);
    const [job] = await sql.query<CompletedJob & { [column: string]: unknown }>(
      `with calls as (${callsSql(values, lot.usage)}),
       job as (
         update batch_jobs set status = ${JOB_SQL.completed}, stage = ${JOB_STAGE_SQL.done}, awaiting_vision = 0, awaiting_translation = 0,
           processed_lots = 1, processed_images = coalesce(${values.add(photos?.seen ?? null)}, processed_images),
           cost_usd = cost_usd + ${COST_OF_CALLS_SQL}, version = version + 1, completed_at = $3, updated_at = $3,
           locked_until = null, lock_token = null
         where ${HELD} and (handed_over_at is null or ${values.add(handedOver)}) returning *),
       lot as (
         update batch_lots l set status = ${LOT_SQL.completed}, rendered_bytes = ${values.add(lot.renderedBytes)}, finished_at = $3,
           processed_images = coalesce(${values.add(photos?.seen ?? null)}, l.processed_images),
           missing_images = coalesce(${values.add(missing?.urls)}::json, l.missing_images),
           missing_reasons = coalesce(${values.add(missing?.reasons)}::json, l.missing_reasons)
         from job where l.job_id = $1 and l.position = 0 and l.status not in ${LOT_ENDED_SQL}),
       result as (${insertResults(values, lot.results)}),
       usage as (${ADD_JOB_USAGE_SQL}),
       used as (${ADD_CALLS_TO_KEY_SQL}),
       counted as (${addKeyUsageSql({ model: values.add(this.config.openai.visionModel), lots: '1' }, 'job')})
       select ${COMPLETED_COLUMNS} from job`,
      values.list,
    );
    return job;
  }

  /** The translations that an earlier process stored. */
  async translated(jobId: string): Promise<{ language: string; html: string }[]> {
    return this.database.query(
      `select language, html from batch_results where job_id = $1 and position = 0 and revision = 0`,
      [jobId],
    );
  }

  /**
   * Renews the leases of all jobs that this process holds, in one statement.
   * @returns the tokens that are still held; a job whose token is missing was cancelled, ended or taken over
   */
  async renew(tokens: readonly string[], seconds: number): Promise<Set<string>> {
    const rows = await this.database.query<{ lock_token: string }>(
      `update batch_jobs set locked_until = clock_timestamp() + $2 * interval '1 second'
       where lock_token = any($1::uuid[]) and mode = 'sync' and status in ${UNFINISHED_SQL}
       returning lock_token`,
      [tokens, seconds],
    );
    return new Set(rows.map((row) => row.lock_token));
  }

  /**
   * Whether the job must go on although its client is gone: a repeat was answered with it, or its vision answer is
   * stored. The row stays locked until the transaction ends, so no repeat can be answered with it meanwhile.
   */
  async isPromised(tx: Transaction, jobId: string): Promise<boolean> {
    const [row] = await tx.query<{ promised: boolean }>(
      'select handed_over_at is not null or awaiting_vision = 0 as promised from batch_jobs where id = $1 for update',
      [jobId],
    );
    return row?.promised === true;
  }

  /** Gives a job back, so that another process takes it over at once and does not count this as a failure. */
  async release(jobId: string, token: string): Promise<void> {
    await this.database.execute(
      `update batch_jobs set locked_until = clock_timestamp(), lock_token = null where id = $1 and lock_token = $2`,
      [jobId, token],
    );
  }

  /**
   * Fails the job's lot, unless it has ended. The caller ends the job in the same transaction.
   * @param row - keeps an answer of which nothing is published
   * @returns false when the job has ended, or its lot has: then a lease that runs out ends the job as its lot did
   */
  async fail(
    tx: Transaction,
    jobId: string,
    error: StoredError,
    missing: readonly MissingPhoto[],
    row?: NewResult,
  ): Promise<boolean> {
    if ((await this.lots.fail(tx, jobId, [{ position: 0, error, missingImages: missing }])) === 0) return false;
    if (row !== undefined) {
      const values = new Values(jobId);
      const unended = `select id from batch_jobs where id = $1 and mode = 'sync' and status in ${UNFINISHED_SQL}`;
      await tx.execute(`with job as (${unended}) ${insertResults(values, [storedResult(row)])}`, values.list);
    }
    return (
      (await tx.execute(
        `update batch_jobs set awaiting_images = 0, awaiting_vision = 0, awaiting_translation = 0, failed_lots = 1,
           failures = ${failuresWith('$2::jsonb')}
         where id = $1 and mode = 'sync' and status in ${UNFINISHED_SQL}`,
        [jobId, JSON.stringify(failuresOf([{ error }]))],
      )) === 1
    );
  }
}
