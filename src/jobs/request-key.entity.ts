import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A remembered request: a repeat of it is answered with the first one's job. */
@Entity('request_keys')
export class RequestKey {
  @PrimaryColumn('text', { name: 'key_id', primaryKeyConstraintName: 'request_keys_pkey' })
  keyId: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'request_keys_pkey' })
  kind: 'idempotency' | 'signature' | 'body';

  /** Method and path, followed by the Idempotency-Key, the signature or the body's hash. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'request_keys_pkey' })
  value: string;

  @Column('uuid', { name: 'job_id' })
  jobId: string;

  @Column('text', { name: 'body_hash' })
  bodyHash: string;

  @Index('request_keys_expires_at_idx')
  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
