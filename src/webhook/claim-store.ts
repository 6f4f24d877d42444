import { Injectable } from '@nestjs/common';
import type { AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';
import { secretFingerprintSql } from '../jobs/job-store.js';
import { isInFlight, isPending, STEP, type WebhookEvent } from './delivery-states.js';
import { MAX_SLOTS } from './receiver-limits.js';

/** A delivery that this process holds until its lease is over. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly jobId: string | null;
  readonly keyId: string;
  readonly origin: string;
  readonly url: string;
  readonly event: WebhookEvent;
  readonly part: number;
  readonly parts: number;
  readonly firstPosition: number | null;
  readonly lastPosition: number | null;
  readonly lots: number;
  readonly bytes: number;
  readonly revision: number;
  /** JSON text. */
  readonly payload: string | null;
  readonly bodySha256: string | null;
  /** Which of the key id's secrets signed the job's request; of events with a payload only: a job's end is rendered from its job. */
  readonly secretFingerprint: string | null;
  /** The number of the attempt that this claim has begun. */
  readonly attempt: number;
  readonly failures: number;
  readonly token: string;
  /** Requests that may be in flight to its receiver. */
  readonly slots: number;
  /** How many of its receiver's deliveries this claim could have taken: as many as it took means that more may be due. */
  readonly room: number;
  /** True when it is the one delivery that tries a receiver whose circuit is open. */
  readonly probe: boolean;
  /** True when nothing has to be written of the receiver's health after a success. */
  readonly healthy: boolean;
}

export interface ReceiverCount {
  readonly keyId: string;
  readonly origin: string;
  readonly count: number;
}

export interface DeliveryClaimRequest {
  readonly token: string;
  readonly leaseSeconds: number;
  readonly limit: number;
  /** For what is due and which circuits may be tried; leases run by PostgreSQL's own clock. */
  readonly now: Date;
  /** Claims of this process that were sent and answered but not yet written: they no longer take up a slot. */
  readonly unwritten?: readonly ReceiverCount[];
}

/** A receiver's slots are being sent to, and four times as many wait: enough that the next claim overlaps the sending. */
const CLAIM_AHEAD = 4;
const HELD_MOST = CLAIM_AHEAD + 1;

/** Begun in the first half of its lease, a request of the longest kind ends a quarter of its own time before the end. */
export function deliveryLeaseSeconds(config: Pick<AppConfig, 'jobs' | 'webhook'>): number {
  return Math.max(config.jobs.leaseSeconds, 2.5 * config.webhook.timeoutSeconds);
}

/** Who has which delivery in hand: claim, hand back, take back from the dead. */
@Injectable()
export class ClaimStore {
  constructor(private readonly database: Database) {}

  /**
   * Claims due deliveries and begins their attempts, all in one statement: the attempt's row exists before any request.
   * No receiver's slots are claimed more than four times over ahead of sending, whichever processes hold them, and what
   * fits is shared out among the receivers with due deliveries; without that cap one hanging receiver took every slot (0 of 10,000 healthy
   * deliveries in 30 s, measured; all in 4.4 s with it). Two processes that claim at once may exceed it for a moment.
   */
  async claim(request: DeliveryClaimRequest): Promise<ClaimedDelivery[]> {
    const { unwritten = [] } = request;
    return this.database.query<ClaimedDelivery>(CLAIM, [
      request.token,
      request.leaseSeconds,
      request.limit,
      request.now,
      unwritten.map(({ keyId }) => keyId),
      unwritten.map(({ origin }) => origin),
      unwritten.map(({ count }) => count),
    ]);
  }

  /** Gives back deliveries whose request never left, as if they had not been claimed. */
  async handBack(deliveries: readonly Pick<ClaimedDelivery, 'id' | 'token'>[]): Promise<void> {
    await this.database.execute(
      `with returned as (
         update webhook_deliveries d
         set ${STEP.handBack}, attempts = d.attempts - 1
         from unnest($1::uuid[], $2::uuid[]) as r (id, token)
         where d.id = r.id and d.lock_token = r.token and ${isInFlight('d.')}
         returning d.id, d.attempts + 1 as attempt)
       delete from webhook_attempts a using returned r where a.delivery_id = r.id and a.attempt = r.attempt`,
      [deliveries.map((delivery) => delivery.id), deliveries.map((delivery) => delivery.token)],
    );
  }

  /**
   * Frees deliveries whose process died with them. Nobody knows whether their request was seen, so it does not count
   * against the schedule.
   * @returns how many there were
   */
  async takeBackExpired(now: Date): Promise<number> {
    return this.database.execute(
      `update webhook_deliveries set ${STEP.takeBack}, next_attempt_at = $1,
         last_error = 'the outcome of the latest attempt is unknown: its process ended'
       where id in (
         select id from webhook_deliveries where ${isInFlight()} and locked_until < clock_timestamp()
         limit 1000 for update skip locked)`,
      [now],
    );
  }

  /** When the delivery that has waited longest for its turn was due, or null when nothing is due. */
  async oldestDue(now: Date): Promise<Date | null> {
    const [row] = await this.database.query<{ due: Date | null }>(
      `with recursive ${RECEIVERS} select min(due) as due from receivers where due <= $1`,
      [now],
    );
    return row?.due ?? null;
  }
}

/**
 * Receivers that have pending deliveries, each with the time of its first: one index probe a receiver, however many
 * deliveries wait (a `distinct` would read them all).
 */
const RECEIVERS = `receivers as (
    (select key_id, origin, next_attempt_at as due from webhook_deliveries
     where ${isPending()} order by key_id, origin, next_attempt_at limit 1)
    union all
    select following.key_id, following.origin, following.due
    from receivers r cross join lateral (
      select d.key_id, d.origin, d.next_attempt_at as due from webhook_deliveries d
      where ${isPending('d.')} and (d.key_id, d.origin) > (r.key_id, r.origin)
      order by d.key_id, d.origin, d.next_attempt_at limit 1) following
  )`;

// Picked rows are locked, so the update names them by id alone: with their status repeated there, the planner may walk the
// whole queue by the index of pending ones instead (160 ms instead of 3 for 128 of 10,000, when it believes it empty).
// $1 token, $2 lease in seconds, $3 most deliveries, $4 now, $5 to $7 unwritten by receiver. Probes are let through by moving open_until on: of two
// processes that find the same receiver the second one's `skip locked` or re-check of open_until leaves it out.
const CLAIM = `with recursive ${RECEIVERS},
  candidates as materialized (
    select r.key_id, r.origin, r.due, e.slots, e.opened_at, ${HELD_MOST} * e.slots - held.n as room,
      e.opened_at is null and e.consecutive_failures = 0 and e.slots >= ${MAX_SLOTS}
        and e.last_success_at > $4::timestamptz - interval '10 seconds' as healthy
    from receivers r
    join webhook_endpoints e on e.key_id = r.key_id and e.origin = r.origin
    cross join lateral (
      select count(*)::int - coalesce((
          select w.n from unnest($5::text[], $6::text[], $7::int[]) as w (key_id, origin, n)
          where w.key_id = r.key_id and w.origin = r.origin), 0) as n
      from webhook_deliveries d
      where ${isInFlight('d.')} and d.key_id = r.key_id and d.origin = r.origin) held
    where r.due <= $4::timestamptz
      and case when e.opened_at is null then held.n < ${HELD_MOST} * e.slots else e.open_until <= $4::timestamptz end
    order by r.due limit $3::int
  ),
  probe_locks as materialized (
    select e.key_id, e.origin from webhook_endpoints e
    join candidates c on c.key_id = e.key_id and c.origin = e.origin
    where c.opened_at is not null and e.open_until <= $4::timestamptz
    for update of e skip locked
  ),
  probes as (
    update webhook_endpoints e set open_until = $4::timestamptz + $2::float8 * interval '1 second', updated_at = $4::timestamptz
    from probe_locks p where e.key_id = p.key_id and e.origin = p.origin and e.open_until <= $4::timestamptz
    returning e.key_id, e.origin
  ),
  room as (
    select key_id, origin, least(room, ceil($3::int ::numeric / (select count(*) from candidates)))::int as room, slots,
      healthy, false as probe
    from candidates where opened_at is null
    union all
    select key_id, origin, 1, 1, false, true from probes
  ),
  picked as materialized (
    select due.id, r.slots, r.room, r.healthy, r.probe
    from room r cross join lateral (
      select d.id from webhook_deliveries d
      where ${isPending('d.')} and d.key_id = r.key_id and d.origin = r.origin and d.next_attempt_at <= $4::timestamptz
      order by d.next_attempt_at limit r.room for update skip locked) due
  ),
  claimed as (
    update webhook_deliveries d
    set ${STEP.claim}, attempts = d.attempts + 1
    from picked p where d.id = p.id
    returning d.*, p.slots, p.room, p.healthy, p.probe
  ),
  begun as (
    insert into webhook_attempts (delivery_id, attempt, started_at) select id, attempts, $4::timestamptz from claimed
  )
  select c.id, c.job_id as "jobId", c.key_id as "keyId", c.origin, c.url, c.event, c.part, c.parts,
    c.first_position as "firstPosition", c.last_position as "lastPosition", c.lots, c.bytes, c.revision,
    c.payload::text as payload, c.body_sha256 as "bodySha256", c.attempts as attempt, c.failures,
    c.lock_token as token, c.slots, c.room, c.healthy, c.probe,
    case when c.payload is not null then ${secretFingerprintSql('c.job_id')} end as "secretFingerprint"
  from claimed c
  order by c.next_attempt_at, c.id`;
