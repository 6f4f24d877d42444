import { newId } from '../../src/common/ids.js';
import type { Database } from '../../src/database/database.service.js';
import type { JobOptions, StoredError } from '../../src/jobs/batch-job.entity.js';
import type { JobMode, JobStage, JobStatus, LotStatus } from '../../src/jobs/states.js';

export interface JobFixture {
  readonly id: string;
  readonly keyId: string;
  readonly mode: JobMode;
  readonly status: JobStatus;
  readonly stage: JobStage;
  readonly languages: readonly string[];
  readonly options: JobOptions;
  readonly metadata: Record<string, string>;
  readonly webhookUrl: string | null;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  readonly awaitingImages: number;
  readonly awaitingVision: number;
  readonly awaitingTranslation: number;
  readonly processedImages: number;
  readonly version: number;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly handedOverAt: Date | null;
  readonly error: StoredError | null;
}

/** Inserts a job's row as the intake would have; by default a batch of two lots that await vision. */
export async function insertJob(database: Database, more: Partial<JobFixture> = {}): Promise<JobFixture> {
  const job: JobFixture = {
    id: newId(),
    keyId: 'acme',
    mode: 'batch',
    status: 'processing',
    stage: 'vision_analysis',
    languages: ['en', 'ru'],
    options: {},
    metadata: {},
    webhookUrl: null,
    totalLots: 2,
    processedLots: 0,
    failedLots: 0,
    awaitingImages: 0,
    awaitingVision: 2,
    awaitingTranslation: 0,
    processedImages: 0,
    version: 1,
    createdAt: new Date('2026-01-01T00:00:00Z'),
    completedAt: null,
    cancelledAt: null,
    handedOverAt: null,
    error: null,
    ...more,
  };
  await database.execute(
    `insert into batch_jobs (id, key_id, secret_fingerprint, mode, status, stage, languages, options, metadata,
       webhook_url, total_lots, processed_lots, failed_lots, awaiting_images, awaiting_vision, awaiting_translation,
       processed_images, version, created_at, updated_at, completed_at, cancelled_at, handed_over_at, error)
     values ($1, $2, 'f', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19, $20, $21, $22)`,
    [
      job.id,
      job.keyId,
      job.mode,
      job.status,
      job.stage,
      job.languages,
      job.options,
      job.metadata,
      job.webhookUrl,
      job.totalLots,
      job.processedLots,
      job.failedLots,
      job.awaitingImages,
      job.awaitingVision,
      job.awaitingTranslation,
      job.processedImages,
      job.version,
      job.createdAt,
      job.completedAt,
      job.cancelledAt,
      job.handedOverAt,
      job.error === null ? null : JSON.stringify(job.error),
    ],
  );
  return job;
}

export interface LotFixture {
  readonly lotId?: string;
  readonly status?: Exclude<LotStatus, 'cancelled'>;
  readonly missingImages?: readonly string[];
  readonly missingReasons?: readonly string[];
  readonly processedImages?: number;
  readonly error?: StoredError;
  readonly renderedBytes?: number;
  readonly webhook?: string;
}

/** Inserts one lot and its input. */
export async function insertLot(
  database: Database,
  jobId: string,
  position: number,
  lot: LotFixture = {},
): Promise<void> {
  const status = lot.status ?? 'completed';
  await database.execute(
    `insert into batch_lots (job_id, position, lot_id, status, error, missing_images, missing_reasons, processed_images,
       rendered_bytes, finished_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      jobId,
      position,
      lot.lotId ?? `lot-${position}`,
      status,
      lot.error === undefined ? null : JSON.stringify(lot.error),
      lot.missingImages === undefined ? null : JSON.stringify(lot.missingImages),
      lot.missingReasons === undefined ? null : JSON.stringify(lot.missingReasons),
      lot.processedImages ?? 1,
      lot.renderedBytes ?? 0,
      status === 'completed' || status === 'failed' ? new Date('2026-01-01T01:00:00Z') : null,
    ],
  );
  await database.execute(`insert into batch_lot_inputs (job_id, position, images, webhook) values ($1, $2, '[]', $3)`, [
    jobId,
    position,
    lot.webhook ?? null,
  ]);
}

export interface ResultFixture {
  readonly revision?: number;
  readonly fallback?: boolean;
  readonly assessment?: unknown;
  readonly usage?: unknown;
}

/** Inserts one lot's description in one language. */
export async function insertResult(
  database: Database,
  jobId: string,
  position: number,
  language: string,
  html: string,
  result: ResultFixture = {},
): Promise<void> {
  await database.execute(
    `insert into batch_results (job_id, position, language, revision, html, strings, fallback, assessment, usage,
       created_at) values ($1, $2, $3, $4, $5, '[]', $6, $7, $8, now())`,
    [
      jobId,
      position,
      language,
      result.revision ?? 0,
      html,
      result.fallback ?? false,
      result.assessment === undefined ? null : JSON.stringify(result.assessment),
      result.usage === undefined ? null : JSON.stringify(result.usage),
    ],
  );
}

/** Inserts `count` completed lots with a description in each language, in two statements. */
export async function insertCompletedLots(
  database: Database,
  jobId: string,
  count: number,
  languages: readonly string[],
  renderedBytes = 0,
): Promise<void> {
  await database.execute(
    `insert into batch_lots (job_id, position, lot_id, status, processed_images, rendered_bytes, finished_at)
     select $1, i, 'lot-' || i, 'completed', 1, $3, '2026-01-01T01:00:00Z' from generate_series(0, $2 - 1) i`,
    [jobId, count, renderedBytes],
  );
  await database.execute(
    `insert into batch_results (job_id, position, language, html, strings, created_at)
     select $1, i, language, '<p>' || language || ' ' || i || '</p>', '[]', now()
     from generate_series(0, $2 - 1) i, unnest($3::text[]) language`,
    [jobId, count, languages],
  );
}
