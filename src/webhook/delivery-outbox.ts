import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { newId } from '../common/ids.js';
import type { Transaction } from '../database/database.service.js';
import type { ClaimedDelivery } from './delivery-queue.js';
import { firstAttemptAt } from './next-attempt.js';
import type { LotPart } from './part-packer.js';
import type { WebhookEvent } from './webhook.entities.js';

export interface PartsOfEvent {
  readonly jobId: string;
  readonly keyId: string;
  readonly event: WebhookEvent;
  readonly now: Date;
}

/** Writes deliveries; whoever calls brings the transaction, so that a delivery exists exactly when its reason does. */
@Injectable()
export class DeliveryOutbox {
  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  /** One delivery for each part, due at once. */
  async insertParts(tx: Transaction, event: PartsOfEvent, parts: readonly LotPart[]): Promise<void> {
    if (parts.length === 0) return;
    const origins = parts.map((part) => new URL(part.url).origin);
    await this.meetReceivers(tx, event.keyId, origins, event.now);
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
   * One delivery of a body without lots for each address.
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
    await this.meetReceivers(tx, event.keyId, origins, event.now);
    await tx.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, bytes, payload, next_attempt_at, created_at)
       select d.id, $1, $2, d.origin, d.url, $3, octet_length($4), $4::json, $5, $6
       from unnest($7::uuid[], $8::text[], $9::text[]) as d (id, origin, url)`,
      [event.jobId, event.keyId, event.event, payload, due, event.now, urls.map(() => newId()), origins, urls],
    );
  }

  /**
   * Progress that was never sent says nothing once a later state is known.
   * @returns when the first of what was superseded would have been due, or null where nothing waited
   */
  async supersedeProgress(tx: Transaction, jobId: string): Promise<Date | null> {
    const [row] = await tx.query<{ due: Date | null }>(
      `with superseded as (
         update webhook_deliveries set status = 'superseded'
         where job_id = $1 and event = 'batch_job_progress' and status = 'pending'
         returning next_attempt_at)
       select min(next_attempt_at) as due from superseded`,
      [jobId],
    );
    return row?.due ?? null;
  }

  /**
   * One delivery that the caller itself sends: claimed and with its attempt begun from the start, so that a process
   * that dies with it leaves the same traces as any other.
   */
  async insertClaimed(tx: Transaction, delivery: ClaimedDelivery, leaseSeconds: number, now: Date): Promise<void> {
    await this.meetReceivers(tx, delivery.keyId, [delivery.origin], now);
    await tx.execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, bytes, payload, status, attempts,
         next_attempt_at, created_at, lock_token, locked_until)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 'in_flight', $9, $10, $10, $11,
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
      ],
    );
    await tx.execute('insert into webhook_attempts (delivery_id, attempt, started_at) values ($1, $2, $3)', [
      delivery.id,
      delivery.attempt,
      now,
    ]);
  }

  /** The sender claims by receiver, so a receiver must have its row before it has deliveries. */
  private async meetReceivers(tx: Transaction, keyId: string, origins: readonly string[], now: Date): Promise<void> {
    // Sorted: two transactions that meet the same new receivers would otherwise wait for each other for ever.
    await tx.execute(
      `insert into webhook_endpoints (key_id, origin, updated_at)
       select $1, o.origin, $2 from unnest($3::text[]) as o (origin) order by o.origin
       on conflict do nothing`,
      [keyId, now, [...new Set(origins)]],
    );
  }
}
