import { Injectable } from '@nestjs/common';
import type { AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';
import { secretFingerprintSql } from '../jobs/job-store.js';
import { jobOfPartSql } from '../jobs/part-reader.js';
import type { ClaimedDelivery } from './claimed-delivery.js';
import { isInFlight, isPending, STEP, type DeliveryStatus } from './delivery-states.js';
import { GivenUpEvents } from './given-up-events.js';
import { MAX_SLOTS } from './receiver-limits.js';

export interface ReceiverCount {
  readonly keyId: string;
  readonly origin: string;
  readonly count: number;
}

export interface DeliveryClaimRequest {
  readonly token: string;
  readonly leaseSeconds: number;
  readonly limit: number;
  /** The time that decides what is due and which circuits may be tried. Leases use PostgreSQL's own clock. */
  readonly now: Date;
  /**
   * This process's deliveries that were answered but whose outcome is not written yet: they no longer take up a slot.
   */
  readonly unwritten?: readonly ReceiverCount[];
}

/** How many times a receiver's slots are claimed in all: enough that the next claim overlaps with the sending. */
const CLAIM_AHEAD = 4;
const HELD_MOST = CLAIM_AHEAD + 1;

/**
 * The lease of a delivery, in seconds. The longest request that begins in its first half ends before the lease does,
 * with a quarter of the request's time to spare.
 */
export function deliveryLeaseSeconds(config: Pick<AppConfig, 'jobs' | 'webhook'>): number {
  return Math.max(config.jobs.leaseSeconds, 2.5 * config.webhook.timeoutSeconds);
}

/** The SQL of claims: claim deliveries, give them back, and free those of dead processes. */
@Injectable()
export class ClaimStore {
  constructor(
    private readonly database: Database,
    private readonly givenUp: GivenUpEvents,
  ) {}

  /**
   * Claims due deliveries and begins their attempts in one statement, so an attempt's row exists before its request. At
   * most four times a receiver's slots are claimed at once, over all processes, and the claim is shared out among the
   * receivers with due deliveries. Without this limit one hanging receiver took every slot: 0 of 10,000 deliveries to
   * healthy receivers were sent in 30 s; with it, all in 4.4 s (measured). Two processes that claim at the same time
   * may exceed it for a moment.
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

  /** Gives back deliveries whose request was never sent, as if they had not been claimed. */
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
   * Frees deliveries whose process died. It is unknown whether their request was received, so the attempt does not
   * count against the schedule.
   * @returns how many deliveries there were
   */
  async takeBackExpired(now: Date): Promise<number> {
    return this.database.transaction(async (tx) => {
      const freed = await tx.query<{ id: string; status: DeliveryStatus }>(
        `update webhook_deliveries set ${STEP.takeBack}, next_attempt_at = $1,
           last_error = 'the outcome of the latest attempt is unknown: its process ended'
         where id in (
           select id from webhook_deliveries where ${isInFlight()} and locked_until < clock_timestamp()
           limit 1000 for update skip locked)
         returning id, status`,
        [now],
      );
      const failed = freed.filter(({ status }) => status === 'failed').map(({ id }) => id);
      await this.givenUp.gaveUp(tx, failed);
      return freed.length;
    });
  }

  /** When the delivery that has waited longest became due, or null when none is due. */
  async oldestDue(now: Date): Promise<Date | null> {
    const [row] = await this.database.query<{ due: Date | null }>(
      `with recursive ${RECEIVERS} select min(due) as due from receivers where due <= $1`,
      [now],
    );
    return row?.due ?? null;
  }
}

/**
 * SQL of the receivers that have pending deliveries, each with the time of its first one. It takes one index probe per
 * receiver, with any number of deliveries (a `distinct` would read them all).
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

// Do not repeat `status` in the update: with stale statistics the planner then scans the partial index of pending
// deliveries (160 ms instead of 3 ms for 128 of 10,000). The rows are locked, so their ids are enough. $1 token, $2
// lease in seconds, $3 most deliveries, $4 now, $5 to $7 unwritten by receiver. A probe is allowed by moving open_until
// on: if two processes find the same receiver, `skip locked` or the new open_until stops the second one.
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
    case when c.payload is not null then ${secretFingerprintSql('c.job_id')} end as "secretFingerprint",
    case when c.payload is null then ${jobOfPartSql('c.job_id')} end as job
  from claimed c
  order by c.next_attempt_at, c.id`;
