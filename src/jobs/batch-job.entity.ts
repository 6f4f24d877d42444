import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { FailureCounters } from './job-failures.js';
import type { JobMode, JobStage, JobStatus } from './states.js';

/** The options of a request, stored with its job. */
export interface JobOptions {
  /** With `notes` also where the client said nothing and NOTES is set: a changed setting changes no job that is there. */
  readonly include?: readonly ('assessment' | 'usage' | 'notes')[];
  readonly webhook_events?: readonly string[];
  readonly max_cost_usd?: number;
  /** True when the request had an Idempotency-Key: the work then goes on after a disconnect or a crash. */
  readonly idempotent?: boolean;
  /** The warnings of the first answer, so that a repeat gets the same; absent when there were none. */
  readonly warnings?: readonly string[];
}

export function asksForNotes({ include = [] }: Pick<JobOptions, 'include'>): boolean {
  return include.includes('notes');
}

export interface StoredError {
  readonly code: string;
  readonly message: string;
  /** The id by which OpenAI can find the call that failed. */
  readonly openai_request_id?: string;
}

/** A request that was accepted: many lots (`batch`) or one (`sync`). */
@Entity('batch_jobs')
@Index('batch_jobs_listed_idx', { synchronize: false })
@Index('batch_jobs_sync_idx', { synchronize: false })
@Index('batch_jobs_sync_count_idx', { synchronize: false })
@Index('batch_jobs_ended_idx', { synchronize: false })
@Index('batch_jobs_sync_lease_idx', { synchronize: false })
@Index('batch_jobs_unfinished_idx', { synchronize: false })
@Index('batch_jobs_retry_of_idx', { synchronize: false })
@Index('batch_jobs_paused_idx', { synchronize: false })
@Index('batch_jobs_lot_webhooks_idx', { synchronize: false })
export class BatchJob {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'batch_jobs_pkey' })
  id: string;

  @Column('text', { name: 'key_id' })
  keyId: string;

  @Column('text', { name: 'secret_fingerprint' })
  secretFingerprint: string;

  @Column('text')
  mode: JobMode;

  @Column('text', { default: 'pending' })
  status: JobStatus;

  @Column('text', { default: 'image_check' })
  stage: JobStage;

  @Column('text', { array: true })
  languages: string[];

  @Column('text', { name: 'webhook_url', nullable: true })
  webhookUrl: string | null;

  /**
   * Whether some lot has a webhook of its own. A row that does not say so counts as having some: a process of a version before
   * made it.
   */
  @Column('boolean', { name: 'lot_webhooks', default: true })
  lotWebhooks: boolean;

  @Column('jsonb', { default: {} })
  options: JobOptions;

  @Column('jsonb', { default: {} })
  metadata: Record<string, string>;

  /** The job whose lots this one tries once more. Retention may have removed it since. */
  @Column('uuid', { name: 'retry_of', nullable: true })
  retryOf: string | null;

  @Column('integer', { name: 'total_lots' })
  totalLots: number;

  @Column('integer', { name: 'processed_lots', default: 0 })
  processedLots: number;

  @Column('integer', { name: 'failed_lots', default: 0 })
  failedLots: number;

  @Column('integer', { name: 'awaiting_images', default: 0 })
  awaitingImages: number;

  @Column('integer', { name: 'awaiting_vision', default: 0 })
  awaitingVision: number;

  @Column('integer', { name: 'awaiting_translation', default: 0 })
  awaitingTranslation: number;

  @Column('bigint', { name: 'total_images', default: 0 })
  totalImages: string;

  @Column('bigint', { name: 'processed_images', default: 0 })
  processedImages: string;

  @Column('numeric', { name: 'cost_usd', precision: 16, scale: 8, default: 0 })
  costUsd: string;

  @Column('numeric', { name: 'estimated_cost_usd', precision: 16, scale: 8, nullable: true })
  estimatedCostUsd: string | null;

  /** The part of max_cost_usd that is held: the worst cost of all calls whose cost is not known, in USD. */
  @Column('numeric', { name: 'reserved_usd', precision: 16, scale: 8, default: 0 })
  reservedUsd: string;

  /** How often a process took the synchronous job over from another that had not finished it. */
  @Column('smallint', { default: 0 })
  takeovers: number;

  /** The version of the glossary that its texts are written with, by language as sent; a language that has none yet is left out. */
  @Column('jsonb', { default: {} })
  glossaries: Record<string, string>;

  @Column('boolean', { name: 'paused_by_client', default: false })
  pausedByClient: boolean;

  /** Why an operator has paused it; null: none has. Clients are not shown it. */
  @Column('text', { name: 'operator_pause_reason', nullable: true })
  operatorPauseReason: string | null;

  /** Since when it is paused by anybody; null: it runs, or has ended. */
  @Column('timestamptz', { name: 'paused_at', nullable: true })
  pausedAt: Date | null;

  /** How long its earlier pauses took together. Its deadlines move by this and by the present pause. */
  @Column('bigint', { name: 'paused_ms', default: 0 })
  pausedMs: string;
  /** The version of the client's own words that it began with; null where its key has none for its languages. */
  @Column('text', { name: 'client_words', nullable: true })
  clientWords: string | null;

  @Column('jsonb', { nullable: true })
  error: StoredError | null;

  /** Its failed lots by the code of their error; raised in the transactions that raise failed_lots. */
  @Column('jsonb', { default: {} })
  failures: FailureCounters;

  /** The revision of its lots' rows that is shown; raised when all rows of the next one are written. */
  @Column('smallint', { default: 0 })
  revision: number;

  /** Whether its lots without a description say that they need no review; false for jobs from before there were reviews. */
  @Column('boolean', { name: 'shows_review', default: false })
  showsReview: boolean;

  @Column('integer', { default: 1 })
  version: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { name: 'handed_over_at', nullable: true })
  handedOverAt: Date | null;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt: Date | null;

  @Column('timestamptz', { name: 'cancelled_at', nullable: true })
  cancelledAt: Date | null;

  @Column('timestamptz', { name: 'locked_until', nullable: true })
  lockedUntil: Date | null;

  @Column('uuid', { name: 'lock_token', nullable: true })
  lockToken: string | null;
}
