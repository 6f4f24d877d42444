import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Where a lot of a retry comes from. A retry may be retried itself, so each row also names the lot that a client first sent: of
 * all rows of that lot one is current, which is what keeps two jobs from describing it at a time.
 */
@Entity('lot_retries')
@Index('lot_retries_current_idx', { synchronize: false })
export class LotRetry {
  /** The retry. */
  @PrimaryColumn('uuid', { name: 'job_id', primaryKeyConstraintName: 'lot_retries_pkey' })
  jobId: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'lot_retries_pkey' })
  position: number;

  /** The lot's position in the job that the retry is of. */
  @Column('integer', { name: 'source_position' })
  sourcePosition: number;

  /** The job for which a client sent the lot. */
  @Column('uuid', { name: 'root_id' })
  rootId: string;

  /** The lot's position in that job. */
  @Column('integer', { name: 'root_position' })
  rootPosition: number;

  /** Whether this is the latest retry of the lot. */
  @Column('boolean', { default: true })
  current: boolean;
}
