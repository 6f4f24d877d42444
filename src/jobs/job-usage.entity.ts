import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ModelStage } from './states.js';

/** What a job has cost so far, by stage and model; calls with useless answers count too. */
@Entity('job_usage')
export class JobUsage {
  @PrimaryColumn('uuid', { name: 'job_id', primaryKeyConstraintName: 'job_usage_pkey' })
  jobId: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'job_usage_pkey' })
  stage: ModelStage;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'job_usage_pkey' })
  model: string;

  @Column('integer', { default: 0 })
  calls: number;

  @Column('bigint', { name: 'input_tokens', default: 0 })
  inputTokens: string;

  @Column('bigint', { name: 'cached_input_tokens', default: 0 })
  cachedInputTokens: string;

  @Column('bigint', { name: 'output_tokens', default: 0 })
  outputTokens: string;

  @Column('bigint', { name: 'reasoning_tokens', default: 0 })
  reasoningTokens: string;

  @Column('numeric', { name: 'cost_usd', precision: 16, scale: 8, default: 0 })
  costUsd: string;
}
