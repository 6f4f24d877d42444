import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, IsNull, MoreThanOrEqual, Not, type Repository } from 'typeorm';
import { Database, type Transaction } from '../database/database.service.js';
import type { SettledAttempt } from './claimed-delivery.js';
import { storable } from './storable.js';
import { receiverHealth } from './receiver-health.js';
import { CIRCUIT_FAILURES, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, MAX_SLOTS } from './receiver-limits.js';
import { WebhookEndpoint } from './webhook.entities.js';

/** Failures in a row after which a job's answer warns about the address; its circuit opens later. */
const FAILING = 3;
/** The SQL of receivers: how many requests each may have in flight, how it has answered, and its circuit. */
@Injectable()
export class ReceiverStore {
  constructor(
    private readonly database: Database,
    @InjectRepository(WebhookEndpoint) private readonly endpoints: Repository<WebhookEndpoint>,
  ) {}

  /** Inserts the rows of new receivers. The sender claims by receiver, so the row must exist before the deliveries. */
  async meet(tx: Transaction, keyId: string, origins: readonly string[], now: Date): Promise<void> {
    // Sorted, or two transactions with the same new receivers could deadlock.
    await tx.execute(
      `insert into webhook_endpoints (key_id, origin, updated_at)
       select $1, o.origin, $2 from unnest($3::text[]) as o (origin) order by o.origin
       on conflict do nothing`,
      [keyId, now, [...new Set(origins)]],
    );
  }

  /**
   * Finds which of a job's addresses have been failing for this key id, so that the client knows before the work is
   * paid for.
   * @returns their hosts, each once, in the order of `urls`
   */
  async failing(keyId: string, urls: readonly string[]): Promise<string[]> {
    const hosts = new Map<string, string>();
    for (const { origin, host } of urls.map((url) => new URL(url))) hosts.set(origin, host);
    if (hosts.size === 0) return [];
    const receivers = { keyId, origin: In([...hosts.keys()]) };
    const failing = await this.endpoints.find({
      select: { origin: true },
      where: [
        { ...receivers, openedAt: Not(IsNull()) },
        { ...receivers, consecutiveFailures: MoreThanOrEqual(FAILING) },
      ],
    });
    const origins = new Set(failing.map(({ origin }) => origin));
    return [...new Set([...hosts].filter(([origin]) => origins.has(origin)).map(([, host]) => host))];
  }

  /** Updates the slots and circuits of the receivers of these attempts. */
  async writeHealth(settled: readonly SettledAttempt[]): Promise<void> {
    const receivers = receiverHealth(settled);
    if (receivers.length === 0) return;
    await this.database.execute(HEALTH, [
      receivers.map(({ keyId }) => keyId),
      receivers.map(({ origin }) => origin),
      receivers.map(({ successes }) => successes),
      receivers.map(({ failures }) => failures),
      receivers.map(({ trailing }) => trailing),
      receivers.map(({ probeFailed }) => probeFailed),
      receivers.map(({ lastError }) => storable(lastError)),
      (settled[0] as SettledAttempt).finishedAt,
      // Spreads the probes of receivers that went down together.
      0.8 + 0.4 * Math.random(),
    ]);
  }

  /**
   * Allows a probe at once although the circuit is open: a client that asks for a retry has usually repaired the
   * receiver.
   * @param of - which receivers: that of the delivery with this `id`, or those of all deliveries of this `job_id`
   */
  async probeAtOnce(tx: Transaction, of: 'id' | 'job_id', id: string, now: Date): Promise<void> {
    await tx.execute(
      `update webhook_endpoints e set open_until = $1::timestamptz
       from (select key_id, origin from webhook_endpoints
             where opened_at is not null and open_until > $1 and (key_id, origin) in (
               select d.key_id, d.origin from webhook_deliveries d where d.${of} = $2)
             order by key_id, origin for update) o
       where e.key_id = o.key_id and e.origin = o.origin`,
      [now, id],
    );
  }
}

// Rows are locked in the order of their key, so that two processes cannot deadlock. Slots follow the receiver's
// answers: success adds to them, and a write of mostly failures halves them, so a receiver that has never answered
// cannot hold many. A success closes the circuit. Only a failed probe makes the pause longer; requests that were
// already on their way when the circuit opened do not.
const FAILURES_IN_ROW = `(case when r.successes > 0 then r.last_failures else e.consecutive_failures + r.failures end)`;
const CLOSED = `(${FAILURES_IN_ROW} < ${CIRCUIT_FAILURES} and (r.successes > 0 or e.opened_at is null))`;
const HEALTH = `with r as materialized (
    select * from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::boolean[], $7::text[])
      as r (key_id, origin, successes, failures, last_failures, probe_failed, last_error)
  ),
  locked as materialized (
    select e.key_id, e.origin from webhook_endpoints e join r on r.key_id = e.key_id and r.origin = e.origin
    order by e.key_id, e.origin for update of e
  )
  update webhook_endpoints e set
    consecutive_failures = ${FAILURES_IN_ROW},
    slots = case when r.failures > r.successes then greatest(1, e.slots / 2)
      else least(${MAX_SLOTS}, e.slots + r.successes) end,
    opened_at = case when ${CLOSED} then null else coalesce(e.opened_at, $8::timestamptz) end,
    failed_probes = case when r.successes > 0 then 0
      when r.probe_failed then least(e.failed_probes + 1, 20) else e.failed_probes end,
    open_until = case when ${CLOSED} then null
      when e.opened_at is null or r.successes > 0
        then $8 + ${FIRST_PAUSE_SECONDS} * $9::float8 * interval '1 second'
      when r.probe_failed then $8 + $9::float8 * interval '1 second'
        * least(${LONGEST_PAUSE_SECONDS}, ${FIRST_PAUSE_SECONDS} * power(2, least(e.failed_probes + 1, 20)))
      else e.open_until end,
    last_success_at = case when r.successes > 0 then $8 else e.last_success_at end,
    last_failure_at = case when r.failures > 0 then $8 else e.last_failure_at end,
    last_error = coalesce(r.last_error, e.last_error),
    updated_at = $8::timestamptz
  from r, locked l
  where e.key_id = r.key_id and e.origin = r.origin and l.key_id = r.key_id and l.origin = r.origin`;
