import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JobMode } from './states.js';

/** What the lots of a key took: tokens and cost, and how many were completed. */
abstract class Used {
  @Column('bigint')
  lots: string;

  @Column('bigint', { name: 'input_tokens' })
  inputTokens: string;

  @Column('bigint', { name: 'cached_input_tokens' })
  cachedInputTokens: string;

  @Column('bigint', { name: 'output_tokens' })
  outputTokens: string;
}

/** What a key has used on one day, by model and mode. Retention leaves it, and it has no room for single jobs. */
@Entity('key_usage')
export class KeyUsage extends Used {
  @PrimaryColumn('text', { name: 'key_id', primaryKeyConstraintName: 'key_usage_pkey' })
  keyId: string;

  /** In UTC. */
  @PrimaryColumn('date', { primaryKeyConstraintName: 'key_usage_pkey' })
  day: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'key_usage_pkey' })
  model: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'key_usage_pkey' })
  mode: JobMode;

  @Column('numeric', { name: 'cost_usd', precision: 20, scale: 8 })
  costUsd: string;
}

/** What one transaction has added and no worker has summed yet. */
@Entity('key_usage_entries')
export class KeyUsageEntry extends Used {
  @PrimaryColumn('text', { name: 'key_id', primaryKeyConstraintName: 'key_usage_entries_pkey' })
  keyId: string;

  @PrimaryColumn('date', { primaryKeyConstraintName: 'key_usage_entries_pkey' })
  day: string;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'key_usage_entries_pkey' })
  id: string;

  @Column('text')
  model: string;

  @Column('text')
  mode: JobMode;

  @Column('numeric', { name: 'cost_usd', precision: 16, scale: 8 })
  costUsd: string;
}
