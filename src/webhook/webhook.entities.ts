import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { AttemptOutcome, DeliveryStatus, WebhookEvent } from './delivery-states.js';

/** A delivery: one part of one event for one address. */
@Entity('webhook_deliveries')
@Index('webhook_deliveries_key_id_status_idx', { synchronize: false })
@Index('webhook_deliveries_due_idx', { synchronize: false })
@Index('webhook_deliveries_in_flight_idx', { synchronize: false })
@Index('webhook_deliveries_awaits_recovery_idx', { synchronize: false })
export class WebhookDelivery {
  /** Also the value of the `webhook-id` header, the same on every attempt. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'webhook_deliveries_pkey' })
  id: string;

  /** Null for a ping. */
  @Index('webhook_deliveries_job_id_idx')
  @Column('uuid', { name: 'job_id', nullable: true })
  jobId: string | null;

  @Column('text', { name: 'key_id' })
  keyId: string;

  /** Scheme, host and port of the url; with the key id it names the receiver. */
  @Column('text')
  origin: string;

  @Column('text')
  url: string;

  @Column('text')
  event: WebhookEvent;

  @Column('integer', { default: 1 })
  part: number;

  @Column('integer', { default: 1 })
  parts: number;

  @Column('integer', { name: 'first_position', nullable: true })
  firstPosition: number | null;

  @Column('integer', { name: 'last_position', nullable: true })
  lastPosition: number | null;

  @Column('integer', { default: 0 })
  lots: number;

  /** The estimated size of the body, in bytes. */
  @Column('integer', { default: 0 })
  bytes: number;

  @Column('smallint', { default: 0 })
  revision: number;

  /** The members of events without lots (progress, ping). */
  @Column('json', { nullable: true })
  payload: unknown;

  @Column('text', { name: 'body_sha256', nullable: true })
  bodySha256: string | null;

  @Column('text', { default: 'pending' })
  status: DeliveryStatus;

  /** The number of the latest attempt. */
  @Column('integer', { default: 0 })
  attempts: number;

  /**
   * Attempts that are known to have failed since the delivery was queued; the next wait in the schedule follows from
   * it.
   */
  @Column('integer', { default: 0 })
  failures: number;

  /** Attempts whose process died before their outcome was written. */
  @Column('integer', { name: 'unknown_outcomes', default: 0 })
  unknownOutcomes: number;

  @Column('timestamptz', { name: 'next_attempt_at' })
  nextAttemptAt: Date;

  @Column('smallint', { name: 'response_status', nullable: true })
  responseStatus: number | null;

  @Column('text', { name: 'last_error', nullable: true })
  lastError: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'delivered_at', nullable: true })
  deliveredAt: Date | null;

  @Column('timestamptz', { name: 'locked_until', nullable: true })
  lockedUntil: Date | null;

  @Column('uuid', { name: 'lock_token', nullable: true })
  lockToken: string | null;

  /** It was given up, and its client wants to know when its address answers again. */
  @Column('boolean', { name: 'awaits_recovery', default: false })
  awaitsRecovery: boolean;
}

/** An attempt: one request of a delivery. The row is written before the request is sent. */
@Entity('webhook_attempts')
export class WebhookAttempt {
  @PrimaryColumn('uuid', { name: 'delivery_id', primaryKeyConstraintName: 'webhook_attempts_pkey' })
  deliveryId: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'webhook_attempts_pkey' })
  attempt: number;

  @Column('timestamptz', { name: 'started_at' })
  startedAt: Date;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  @Column('text', { default: 'unknown' })
  outcome: AttemptOutcome;

  /** The IP address and port that the request was sent to. */
  @Column('text', { nullable: true })
  address: string | null;

  @Column('smallint', { name: 'response_status', nullable: true })
  responseStatus: number | null;

  /** The first 1,000 characters of the answer. */
  @Column('text', { name: 'response_start', nullable: true })
  responseStart: string | null;

  @Column('integer', { name: 'duration_ms', nullable: true })
  durationMs: number | null;

  @Column('text', { nullable: true })
  error: string | null;
}

/** A receiver: one origin of one key id, its health and its circuit. */
@Entity('webhook_endpoints')
export class WebhookEndpoint {
  @PrimaryColumn('text', { name: 'key_id', primaryKeyConstraintName: 'webhook_endpoints_pkey' })
  keyId: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'webhook_endpoints_pkey' })
  origin: string;

  /** How many requests may be in flight to it: doubled by success, halved when most of them fail. */
  @Column('smallint', { default: 8 })
  slots: number;

  @Column('integer', { name: 'consecutive_failures', default: 0 })
  consecutiveFailures: number;

  /** Set while the circuit is open. */
  @Column('timestamptz', { name: 'opened_at', nullable: true })
  openedAt: Date | null;

  /** From this time on, a single delivery may try whether the receiver is back. */
  @Column('timestamptz', { name: 'open_until', nullable: true })
  openUntil: Date | null;

  @Column('smallint', { name: 'failed_probes', default: 0 })
  failedProbes: number;

  @Column('timestamptz', { name: 'last_success_at', nullable: true })
  lastSuccessAt: Date | null;

  @Column('timestamptz', { name: 'last_failure_at', nullable: true })
  lastFailureAt: Date | null;

  @Column('text', { name: 'last_error', nullable: true })
  lastError: string | null;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
