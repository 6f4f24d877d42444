import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { GlossaryState } from '../assessment/text/glossary.js';

/** `client`: one of the others with a client's own words in it. */
export type GlossaryOrigin = 'shipped' | 'made' | 'client';

/** All words of one language in a version that never changes. */
@Entity('glossary_versions')
export class GlossaryVersion {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'glossary_versions_pkey' })
  tag: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'glossary_versions_pkey' })
  version: string;

  @Column('text')
  origin: GlossaryOrigin;

  @Column('text')
  state: GlossaryState;

  @Column('json')
  words: unknown;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}

/** A client's own words, by language and entry, in a version that never changes. */
@Entity('client_word_versions')
export class ClientWordsVersion {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'client_word_versions_pkey' })
  version: string;

  @Column('json')
  words: unknown;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}

export type MakingStatus = 'wanted' | 'resting' | 'made';

/** The making of one language's glossary for these closed lists, by this prompt and model. */
@Entity('glossary_makings')
@Index('glossary_makings_wanted_idx', { synchronize: false })
export class GlossaryMaking {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'glossary_makings_pkey' })
  tag: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'glossary_makings_pkey' })
  taxonomy: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'glossary_makings_pkey' })
  prompt: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'glossary_makings_pkey' })
  model: string;

  @Column('text')
  status: MakingStatus;

  @Column('text', { nullable: true })
  version: string | null;

  @Column('timestamptz', { name: 'due_at' })
  dueAt: Date;

  @Column('uuid', { name: 'lock_token', nullable: true })
  lockToken: string | null;

  @Column('smallint', { default: 0 })
  tries: number;

  @Column('timestamptz', { name: 'tries_since', nullable: true })
  triesSince: Date | null;

  @Column('smallint', { default: 0 })
  failures: number;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
