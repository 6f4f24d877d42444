import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { StoredError } from './batch-job.entity.js';
import type { StoredLotStatus } from './states.js';

/** The tables that hold nearly all bytes, each with the column `job_id` first in its key. Statements join them with each other. */
export const LOT_TABLES = ['batch_lots', 'batch_lot_inputs', 'batch_results'] as const;
export type LotTable = (typeof LOT_TABLES)[number];

/** A lot's state. The table has few columns, because its rows change often. */
@Entity('batch_lots')
export class BatchLot {
  @PrimaryColumn('uuid', { name: 'job_id', primaryKeyConstraintName: 'batch_lots_pkey' })
  jobId: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'batch_lots_pkey' })
  position: number;

  @Column('text', { name: 'lot_id' })
  lotId: string;

  @Column('text', { default: 'pending' })
  status: StoredLotStatus;

  @Column('smallint', { default: 0 })
  attempt: number;

  @Column('jsonb', { nullable: true })
  error: StoredError | null;

  /** The unreachable photos' URLs. */
  @Column('json', { name: 'missing_images', nullable: true })
  missingImages: string[] | null;

  /** The reason of each of them, in the same order; null for lots from before reasons were stored. */
  @Column('json', { name: 'missing_reasons', nullable: true })
  missingReasons: string[] | null;

  /**
   * The photos that are still to be checked, for a pending lot that waits for a photo host. missing_images then has
   * only the photos that are missing for good.
   */
  @Column('json', { name: 'waiting_images', nullable: true })
  waitingImages: string[] | null;

  @Column('smallint', { name: 'processed_images', default: 0 })
  processedImages: number;

  /**
   * Input tokens of the photos that are there: of those that were looked at by their size, of the others by the average;
   * null until they are checked, and for lots from before sizes were known.
   */
  @Column('integer', { name: 'photo_tokens', nullable: true })
  photoTokens: number | null;

  @Column('integer', { name: 'rendered_bytes', default: 0 })
  renderedBytes: number;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  /** How often a direct call for this lot alone got no answer; null until it happens. */
  @Column('smallint', { nullable: true })
  unanswered: number | null;
}

/** What the client sent about a lot. Rows may be large, and are written only once. */
@Entity('batch_lot_inputs')
@Index('batch_lot_inputs_webhook_idx', { synchronize: false })
export class BatchLotInput {
  @PrimaryColumn('uuid', { name: 'job_id', primaryKeyConstraintName: 'batch_lot_inputs_pkey' })
  jobId: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'batch_lot_inputs_pkey' })
  position: number;

  @Column('text', { name: 'additional_info', nullable: true })
  additionalInfo: string | null;

  /** The URLs of the photos, in order. */
  @Column('json')
  images: string[];

  @Column('text', { nullable: true })
  webhook: string | null;
}

/** A lot's description in one language. A row never changes: a later revision is a row of its own. */
@Entity('batch_results')
@Index('batch_results_review_idx', { synchronize: false })
export class BatchResult {
  @PrimaryColumn('uuid', { name: 'job_id', primaryKeyConstraintName: 'batch_results_pkey' })
  jobId: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'batch_results_pkey' })
  position: number;

  /** The tag as the client sent it, or `en` for an English source that was not asked for. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'batch_results_pkey' })
  language: string;

  @PrimaryColumn('smallint', { default: 0, primaryKeyConstraintName: 'batch_results_pkey' })
  revision: number;

  @Column('text')
  html: string;

  @Column('json')
  strings: unknown;

  @Column('boolean', { default: false })
  fallback: boolean;

  /** The accepted findings in the form that a client gets; only the English row has them. */
  @Column('json', { nullable: true })
  assessment: unknown;

  /** Whether a person should look at the lot, and why; only the English row has it, and null for rows from before. */
  @Column('json', { name: 'needs_review', nullable: true })
  needsReview: unknown;

  /** The model's answer as it came; only the English row has it. */
  @Column('json', { nullable: true })
  raw: unknown;

  @Column('text', { nullable: true })
  model: string | null;

  @Column('text', { name: 'prompt_version', nullable: true })
  promptVersion: string | null;

  @Column('text', { name: 'schema_version', nullable: true })
  schemaVersion: string | null;

  @Column('text', { name: 'response_id', nullable: true })
  responseId: string | null;

  @Column('json', { nullable: true })
  usage: unknown;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
