import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** What a key's latest photos took as input tokens, by the model and detail that they are counted for. */
@Entity('photo_averages')
@Check('photo_averages_photos_check', 'photos > 0')
export class PhotoAverage {
  @PrimaryColumn('text', { name: 'key_id', primaryKeyConstraintName: 'photo_averages_pkey' })
  keyId: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'photo_averages_pkey' })
  model: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'photo_averages_pkey' })
  detail: string;

  /** How many photos the sum is of. Older ones weigh less, so this is no whole number. */
  @Column('double precision')
  photos: number;

  @Column('double precision')
  tokens: number;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
