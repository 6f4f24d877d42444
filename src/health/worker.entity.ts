import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A process that does background work. If its beat is old, it has died. */
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
