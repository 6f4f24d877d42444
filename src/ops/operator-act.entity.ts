import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One act of an operator. The row is written before the act begins, so that none goes without. */
@Entity('operator_acts')
export class OperatorAct {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'operator_acts_pkey' })
  id: string;

  @Column('timestamptz', { name: 'begun_at' })
  begunAt: Date;

  /** Who: the name of the user of the operating system, or what `--by` said. */
  @Column('text')
  operator: string;

  /** The command: `retry`, `pause`, `partitions enable` … */
  @Column('text')
  act: string;

  /** Null: on no job. */
  @Column('uuid', { name: 'job_id', nullable: true })
  jobId: string | null;

  /** The command's other options. */
  @Column('json')
  arguments: unknown;

  @Column('text')
  reason: string;

  /** Null: it is under way, or its process ended before it knew. */
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;

  /** What was done, or `refused` with why. */
  @Column('json', { nullable: true })
  result: unknown;
}
