import type { Database } from '../../src/database/database.service.js';
import type { StoredError } from '../../src/jobs/batch-job.entity.js';
import type { LotStatus } from '../../src/jobs/states.js';
import { aJob, type JobColumns } from '../support/a-job.mjs';

type SetByDefault =
  | 'status'
  | 'stage'
  | 'options'
  | 'languages'
  | 'totalLots'
  | 'awaitingVision'
  | 'createdAt'
  | 'webhookUrl'
  | 'revision'
  | 'showsReview';
export type JobFixture = JobColumns & Required<Pick<JobColumns, 'id' | SetByDefault>>;

/** Inserts a job as its readers find it: by default a batch of two lots that await vision. */
export async function insertJob(database: Database, more: JobColumns = {}): Promise<JobFixture> {
  const job: Omit<JobFixture, 'id'> = {
    status: 'processing',
    stage: 'vision_analysis',
    languages: ['en', 'ru'],
    totalLots: 2,
    awaitingVision: 2,
    createdAt: new Date('2026-01-01T00:00:00Z'),
    webhookUrl: null,
    lotWebhooks: false,
    options: {},
    revision: 0,
    showsReview: false,
    ...more,
  };
  const id = await aJob(database, { updatedAt: job.createdAt, ...job });
  return { ...job, id };
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
  if (lot.webhook !== undefined)
    await database.execute('update batch_jobs set lot_webhooks = true where id = $1', [jobId]);
}

export interface ResultFixture {
  readonly revision?: number;
  readonly fallback?: boolean;
  readonly assessment?: unknown;
  readonly needsReview?: unknown;
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
       needs_review, created_at) values ($1, $2, $3, $4, $5, '[]', $6, $7, $8, $9, now())`,
    [
      jobId,
      position,
      language,
      result.revision ?? 0,
      html,
      result.fallback ?? false,
      result.assessment === undefined ? null : JSON.stringify(result.assessment),
      result.usage === undefined ? null : JSON.stringify(result.usage),
      result.needsReview === undefined ? null : JSON.stringify(result.needsReview),
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
