import { Injectable } from '@nestjs/common';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import type { JobOptions, StoredError } from './batch-job.entity.js';
import { UNFINISHED_SQL } from './states.js';

/** The one lot of a synchronous job. */
export interface SyncLot {
  readonly lotId: string;
  readonly additionalInfo: string | null;
  readonly images: readonly string[];
  readonly webhook: string | null;
}

/** A synchronous job whose process died or gave it back, as it is taken over. */
export interface ClaimedSyncJob {
  readonly id: string;
  /** The lease's token: each write names it. */
  readonly token: string;
  readonly languages: readonly string[];
  readonly options: JobOptions;
  readonly handedOver: boolean;
  readonly lot: SyncLot;
  readonly missingImages: readonly string[];
  /** True once the photo check is committed: its counters have moved. */
  readonly photosChecked: boolean;
  /** The stored vision answer, null when the model has yet to be asked. */
  readonly source: StoredSource | null;
}

/** The English row of a lot, as stored: what translations are made from. */
export interface StoredSource {
  readonly strings: unknown;
  readonly assessment: unknown;
  readonly model: string;
}

/** One language's description as it is written. */
export interface NewResult {
  readonly language: string;
  readonly html: string;
  readonly strings: unknown;
  readonly fallback: boolean;
  readonly assessment?: unknown;
  readonly raw?: unknown;
  readonly model: string | null;
  readonly promptVersion: string | null;
  readonly schemaVersion: string | null;
  readonly responseId: string | null;
  readonly usage: unknown;
}

/** What only synchronous jobs do: one lot, held by the process that answers it. */
@Injectable()
export class SyncJobStore {
  constructor(private readonly database: Database) {}

  async insertLot(sql: Sql, jobId: string, lot: SyncLot): Promise<void> {
    await sql.execute(
      `with lot as (insert into batch_lots (job_id, position, lot_id) values ($1, 0, $2))
       insert into batch_lot_inputs (job_id, position, additional_info, images, webhook) values ($1, 0, $3, $4, $5)`,
      [jobId, lot.lotId, lot.additionalInfo, JSON.stringify(lot.images), lot.webhook],
    );
  }

  /** Notes what the photo check found. */
  async savePhotos(tx: Transaction, jobId: string, missing: readonly string[], reachable: number): Promise<void> {
    await tx.execute(
      `update batch_lots set status = 'processing', missing_images = $2, processed_images = $3
       where job_id = $1 and position = 0`,
      [jobId, JSON.stringify(missing), reachable],
    );
  }

  /** Writes descriptions; one that is there already stays, because a result never changes. */
  async saveResults(tx: Transaction, jobId: string, results: readonly NewResult[]): Promise<void> {
    for (const result of results) {
      await tx.execute(
        `insert into batch_results (job_id, position, language, revision, html, strings, fallback, assessment, raw,
           model, prompt_version, schema_version, response_id, usage, created_at)
         values ($1, 0, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now())
         on conflict do nothing`,
        [
          jobId,
          result.language,
          result.html,
          JSON.stringify(result.strings),
          result.fallback,
          result.assessment === undefined ? null : JSON.stringify(result.assessment),
          result.raw === undefined ? null : JSON.stringify(result.raw),
          result.model,
          result.promptVersion,
          result.schemaVersion,
          result.responseId,
          JSON.stringify(result.usage),
        ],
      );
    }
  }

  /** The vision answer is in; `missing` now names the photos that the model could not take either. */
  async translatingLot(tx: Transaction, jobId: string, missing: readonly string[]): Promise<void> {
    await tx.execute(
      `update batch_lots set status = 'translating', missing_images = $2 where job_id = $1 and position = 0`,
      [jobId, JSON.stringify(missing)],
    );
  }

  async completeLot(tx: Transaction, jobId: string, renderedBytes: number): Promise<void> {
    await tx.execute(
      `update batch_lots set status = 'completed', rendered_bytes = $2, finished_at = now()
       where job_id = $1 and position = 0 and status not in ('completed', 'failed')`,
      [jobId, renderedBytes],
    );
  }

  /**
   * Prolongs the leases of every job that this process holds, in one statement.
   * @returns the tokens that are still held; a job missing from them was cancelled, ended or taken over
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

  /** Gives a job back at once, so that another process need not wait for the lease to end. */
  async release(jobId: string, token: string): Promise<void> {
    await this.database.execute(
      `update batch_jobs set locked_until = clock_timestamp() where id = $1 and lock_token = $2`,
      [jobId, token],
    );
  }

  /** Takes over up to `limit` jobs whose lease nobody renewed. */
  async claimAbandoned(seconds: number, limit: number): Promise<ClaimedSyncJob[]> {
    const rows = await this.database.query<AbandonedRow>(
      `with due as (
         select id from batch_jobs
         where mode = 'sync' and status in ${UNFINISHED_SQL} and locked_until < clock_timestamp()
         order by locked_until limit $2 for update skip locked),
       claimed as (
         update batch_jobs j set lock_token = gen_random_uuid(),
           locked_until = clock_timestamp() + $1 * interval '1 second'
         from due where j.id = due.id
         returning j.id, j.languages, j.options, j.handed_over_at, j.lock_token, j.awaiting_images)
       select c.*, l.lot_id, l.missing_images, i.additional_info, i.images, i.webhook,
         r.strings, r.assessment, r.model
       from claimed c
       join batch_lots l on l.job_id = c.id and l.position = 0
       join batch_lot_inputs i on i.job_id = c.id and i.position = 0
       left join batch_results r on r.job_id = c.id and r.position = 0 and r.language = 'en' and r.revision = 0`,
      [seconds, limit],
    );
    return rows.map((row) => ({
      id: row.id,
      token: row.lock_token,
      languages: row.languages,
      options: row.options,
      handedOver: row.handed_over_at !== null,
      lot: { lotId: row.lot_id, additionalInfo: row.additional_info, images: row.images, webhook: row.webhook },
      missingImages: row.missing_images ?? [],
      photosChecked: row.awaiting_images === 0,
      source:
        row.strings === null || row.model === null
          ? null
          : { strings: row.strings, assessment: row.assessment, model: row.model },
    }));
  }

  /** Marks the lot of a job that ends without a description. */
  async failLot(tx: Transaction, jobId: string, error: StoredError, missing: readonly string[]): Promise<void> {
    await tx.execute(
      `update batch_lots set status = 'failed', error = $2, missing_images = $3, finished_at = now()
       where job_id = $1 and position = 0 and status not in ('completed', 'failed')`,
      [jobId, error, JSON.stringify(missing)],
    );
  }
}

interface AbandonedRow {
  id: string;
  lock_token: string;
  languages: string[];
  options: JobOptions;
  handed_over_at: Date | null;
  lot_id: string;
  missing_images: string[] | null;
  awaiting_images: number;
  additional_info: string | null;
  images: string[];
  webhook: string | null;
  strings: unknown;
  assessment: unknown;
  model: string | null;
}
