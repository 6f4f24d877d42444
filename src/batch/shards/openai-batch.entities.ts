import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ModelStage } from '../../jobs/states.js';
import type { ShardStatus } from './shard-states.js';

/** A shard: a range of a job's lots on its way through one model stage, with one try number (`attempt`). */
@Entity('openai_batches')
@Index('openai_batches_due_idx', { synchronize: false })
@Index('openai_batches_active_idx', { synchronize: false })
@Index('openai_batches_files_idx', { synchronize: false })
export class OpenAiBatch {
  @PrimaryColumn('uuid', { name: 'job_id', primaryKeyConstraintName: 'openai_batches_pkey' })
  jobId: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'openai_batches_pkey' })
  stage: ModelStage;

  @PrimaryColumn('integer', { name: 'first_position', primaryKeyConstraintName: 'openai_batches_pkey' })
  firstPosition: number;

  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'openai_batches_pkey' })
  attempt: number;

  @Column('integer', { name: 'last_position' })
  lastPosition: number;

  @Column('text', { name: 'key_id' })
  keyId: string;

  @Column('text')
  model: string;

  @Column('text')
  status: ShardStatus;

  @Column('smallint', { default: 0 })
  submission: number;

  @Column('integer', { name: 'photos_position', default: 0 })
  photosPosition: number;

  @Column('text', { nullable: true })
  upstream: string | null;

  @Column('text', { name: 'input_file_id', nullable: true })
  inputFileId: string | null;

  @Column('text', { name: 'batch_id', nullable: true })
  batchId: string | null;

  @Column('text', { name: 'output_file_id', nullable: true })
  outputFileId: string | null;

  @Column('text', { name: 'error_file_id', nullable: true })
  errorFileId: string | null;

  @Column('text', { name: 'upstream_status', nullable: true })
  upstreamStatus: string | null;

  @Column('integer', { name: 'request_total', default: 0 })
  requestTotal: number;

  @Column('integer', { name: 'request_completed', default: 0 })
  requestCompleted: number;

  @Column('integer', { name: 'request_failed', default: 0 })
  requestFailed: number;

  @Column('bigint', { name: 'input_bytes', default: 0 })
  inputBytes: string;

  @Column('bigint', { name: 'estimated_tokens', default: 0 })
  estimatedTokens: string;

  @Column('text', { name: 'cursor_file', nullable: true })
  cursorFile: 'output' | 'error' | null;

  @Column('bigint', { name: 'cursor_bytes', default: 0 })
  cursorBytes: string;

  /** The part of the job's `reserved_usd` that the shard gives back once its cost is known. */
  @Column('numeric', { name: 'reserved_usd', precision: 16, scale: 8, default: 0 })
  reservedUsd: string;

  /** How many unexpected failures in a row its stages have had. */
  @Column('smallint', { default: 0 })
  failures: number;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('boolean', { name: 'cancel_requested', default: false })
  cancelRequested: boolean;

  @Column('timestamptz', { name: 'next_check_at' })
  nextCheckAt: Date;

  @Column('uuid', { name: 'lock_token', nullable: true })
  lockToken: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'submitted_at', nullable: true })
  submittedAt: Date | null;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;
}

/** What was learned about a model's limits at one upstream, and whether its queue is paused. */
@Entity('openai_models')
export class OpenAiModel {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'openai_models_pkey' })
  upstream: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'openai_models_pkey' })
  model: string;

  @Column('bigint', { name: 'enqueued_token_limit', nullable: true })
  enqueuedTokenLimit: string | null;

  @Column('timestamptz', { name: 'paused_until', nullable: true })
  pausedUntil: Date | null;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
