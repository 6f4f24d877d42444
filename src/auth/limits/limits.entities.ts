import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How many requests of one kind a key has sent in its present minute; written by rate-limiter-flexible alone. */
@Entity('rate_limits')
export class RateLimitCount {
  /** The kind of request, a colon, and the key id or the address. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'rate_limits_pkey' })
  key: string;

  @Column('integer', { default: 0 })
  points: number;

  /** Milliseconds since 1970; a string, because PostgreSQL's bigint is more than a number can hold. */
  @Column('bigint', { nullable: true })
  expire: string | null;
}

/** One of the places that a key's open event streams take, held for as long as its process renews it. */
@Entity('event_streams')
export class EventStreamPlace {
  @PrimaryColumn('text', { name: 'key_id', primaryKeyConstraintName: 'event_streams_pkey' })
  keyId: string;

  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'event_streams_pkey' })
  place: number;

  @Column('uuid')
  token: string;

  @Column('timestamptz', { name: 'held_until' })
  heldUntil: Date;
}
