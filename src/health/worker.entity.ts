import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A running process that does background work; a stale beat means that it died. */
@Entity('workers')
export class Worker {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'workers_pkey' })
  id: string;

  @Column('text')
  role: string;

  @Column('timestamptz', { name: 'started_at' })
  startedAt: Date;

  @Column('timestamptz', { name: 'beat_at' })
  beatAt: Date;
}
