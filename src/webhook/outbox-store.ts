import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { newId } from '../common/ids.js';
import type { Transaction } from '../database/database.service.js';
import type { ClaimedDelivery } from './claimed-delivery.js';
import {
  isInFlight,
  isPending,
  isProgress,
  STEP,
  tellsOfEnd,
  type DeliveryStatus,
  type WebhookEvent,
} from './delivery-states.js';
import { firstAttemptAt } from './next-attempt.js';
import type { LotPart } from './part-packer.js';
import { ReceiverStore } from './receiver-store.js';

export interface PartsOfEvent {
  readonly jobId: string;
  readonly keyId: string;
  readonly event: WebhookEvent;
  readonly now: Date;
}

/** Queues deliveries in the caller's transaction, so that a delivery is committed together with its reason. */
@Injectable()
export class OutboxStore {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly receivers: ReceiverStore,
  ) {}

  /** Inserts one delivery for each part, due at once. */
  async insertParts(tx: Transaction, event: PartsOfEvent, parts: readonly LotPart[]): Promise<void> {
    if (parts.length === 0) return;
    const origins = parts.map((part) => new URL(part.url).origin);
    await this.receivers.meet(tx, event.keyId, origins, event.now);
    await tx.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, part, parts, first_position,
         last_position, lots, bytes, next_attempt_at, created_at)
       select p.id, $1, $2, p.origin, p.url, $3, p.number, p.parts, p.first_position, p.last_position, p.lots, p.bytes,
         $13, $4
       from unnest($5::uuid[], $6::text[], $7::text[], $8::int[], $9::int[], $10::int[], $11::int[], $12::int[],
         $14::int[]) as p (id, origin, url, number, parts, first_position, last_position, lots, bytes)`,
      [
        event.jobId,
        event.keyId,
        event.event,
        event.now,
        parts.map(() => newId()),
        origins,
        parts.map((part) => part.url),
        parts.map((part) => part.number),
        parts.map((part) => part.of),
        parts.map((part) => part.firstPosition),
        parts.map((part) => part.lastPosition),
        parts.map((part) => part.lots),
        firstAttemptAt(this.config.webhook.schedule, event.now),
        parts.map((part) => part.bytes),
      ],
    );
  }

  /**
   * Inserts one delivery of a body without lots for each address.
   * @param payload - JSON text of an object: the body without `event`, `signature` and `lots`
   */
  async insertStored(
    tx: Transaction,
    event: PartsOfEvent,
    payload: string,
    urls: readonly string[],
    due: Date,
  ): Promise<void> {
    const origins = urls.map((url) => new URL(url).origin);
    await this.receivers.meet(tx, event.keyId, origins, event.now);
    await tx.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, bytes, payload, next_attempt_at, created_at)
       select d.id, $1, $2, d.origin, d.url, $3, octet_length($4), $4::json, $5, $6
       from unnest($7::uuid[], $8::text[], $9::text[]) as d (id, origin, url)`,
      [event.jobId, event.keyId, event.event, payload, due, event.now, urls.map(() => newId()), origins, urls],
    );
  }

  /**
   * Marks progress that was not sent yet as superseded, because a later state is known.
   * @returns when the first of the superseded deliveries would have been due, or null if there was none
   */
  async supersedeProgress(tx: Transaction, jobId: string): Promise<Date | null> {
    const [row] = await tx.query<{ due: Date | null }>(
      `with superseded as (
         update webhook_deliveries set ${STEP.supersede}
         where job_id = $1 and ${isProgress()} and ${isPending()}
         returning next_attempt_at)
       select min(next_attempt_at) as due from superseded`,
      [jobId],
    );
    return row?.due ?? null;
  }

  /**
   * Inserts a delivery that the caller sends itself. It is inserted as claimed, with its attempt begun, so that it is
   * recovered like any other if the process dies.
   */
  async insertClaimed(tx: Transaction, delivery: ClaimedDelivery, leaseSeconds: number, now: Date): Promise<void> {
    await this.receivers.meet(tx, delivery.keyId, [delivery.origin], now);
    await tx.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, bytes, payload, status, attempts,
         next_attempt_at, created_at, lock_token, locked_until)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $13, $9, $10, $10, $11,
         clock_timestamp() + $12 * interval '1 second')`,
      [
        delivery.id,
        delivery.jobId,
        delivery.keyId,
        delivery.origin,
        delivery.url,
        delivery.event,
        delivery.bytes,
        delivery.payload,
        delivery.attempt,
        now,
        delivery.token,
        leaseSeconds,
        'in_flight' satisfies DeliveryStatus,
      ],
    );
    await tx.execute('insert into webhook_attempts (delivery_id, attempt, started_at) values ($1, $2, $3)', [
      delivery.id,
      delivery.attempt,
      now,
    ]);
  }

  /** Queues one delivery again from the start of its schedule; one that is just being sent stays as it is. */
  async sendAgain(tx: Transaction, id: string, now: Date): Promise<void> {
    await tx.execute(`${SEND_AGAIN} where id = $2 and not (${isInFlight()})`, [now, id]);
    await this.receivers.probeAtOnce(tx, 'id', id, now);
  }

  /** Does the same for every delivery of a job's end. */
  async sendAllAgain(tx: Transaction, jobId: string, now: Date): Promise<void> {
    await tx.execute(`${SEND_AGAIN} where job_id = $2 and ${tellsOfEnd()} and not (${isInFlight()})`, [now, jobId]);
    await this.receivers.probeAtOnce(tx, 'job_id', jobId, now);
  }
}

const SEND_AGAIN = `update webhook_deliveries set ${STEP.sendAgain}, next_attempt_at = $1`;
