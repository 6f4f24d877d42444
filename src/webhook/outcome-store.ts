import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { SendResult, Verdict } from './attempt-outcome.js';
import { MAX_SLOTS, type ClaimedDelivery } from './delivery-queue.js';

/** One attempt that has come to its end, as it is to be written. */
export interface SettledAttempt {
  readonly delivery: ClaimedDelivery;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly result: SendResult;
  readonly verdict: Verdict;
  readonly bodySha256: string | null;
}

/** Failures in a row that open a receiver's circuit; one answer in ten failing reaches it once in 10^10 attempts. */
export const CIRCUIT_FAILURES = 10;
const FIRST_PAUSE_SECONDS = 30;
const LONGEST_PAUSE_SECONDS = 900;

interface ReceiverHealth {
  readonly keyId: string;
  readonly origin: string;
  successes: number;
  failures: number;
  /** Failures after the last success of this batch. */
  trailing: number;
  probeFailed: boolean;
  lastError: string | null;
}

/** Writes what came of attempts, many at a time: a write for each of them is seven times slower (measured). */
@Injectable()
export class OutcomeStore {
  constructor(private readonly database: Database) {}

  /**
   * Writes attempts and their deliveries in one statement. A delivery that somebody else holds by now is touched only
   * by a success: a 2xx that was seen always wins.
   * @param settled - no delivery twice
   */
  async settle(settled: readonly SettledAttempt[]): Promise<void> {
    await this.database.execute(SETTLE, [
      plainArray(settled.map(({ delivery }) => delivery.id)),
      plainArray(settled.map(({ delivery }) => delivery.attempt)),
      plainArray(settled.map(({ delivery }) => delivery.token)),
      plainArray(settled.map(({ startedAt }) => startedAt.getTime())),
      plainArray(settled.map(({ finishedAt }) => finishedAt.getTime())),
      plainArray(settled.map(({ verdict }) => verdict.outcome)),
      textArray(settled.map(({ result }) => result.address)),
      plainArray(settled.map(({ result }) => (result.mayKeepAnswer ? result.status : null))),
      textArray(settled.map(({ result }) => (result.mayKeepAnswer ? storable(result.responseStart) : null))),
      plainArray(settled.map(({ result }) => Math.round(result.durationMs))),
      textArray(settled.map(({ verdict }) => storable(verdict.error))),
      plainArray(settled.map(({ verdict }) => verdict.nextAttemptAt?.getTime() ?? null)),
      plainArray(settled.map(({ bodySha256 }) => bodySha256)),
    ]);
    for (const { delivery } of settled.filter(({ verdict }) => verdict.gone)) await this.endGone(delivery);
  }

  /** 410: what else this job has for that address is not sent; one that is under way may still succeed. */
  private async endGone({ id, jobId, url }: ClaimedDelivery): Promise<void> {
    await this.database.execute(
      `update webhook_deliveries set status = 'failed', locked_until = null, lock_token = null,
         last_error = 'HTTP 410 to another delivery of this job: the receiver wants no more of this'
       where job_id = $1 and url = $2 and id <> $3 and status in ('pending', 'in_flight')`,
      [jobId, url, id],
    );
  }

  /** Moves slots and circuits of the receivers that these attempts went to. */
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
      // Probes of receivers that went down together must not come back together.
      0.8 + 0.4 * Math.random(),
    ]);
  }
}

/** What a batch says of each receiver; one that was well and is well needs no write. */
function receiverHealth(settled: readonly SettledAttempt[]): ReceiverHealth[] {
  const receivers = new Map<string, ReceiverHealth & { healthy: boolean }>();
  for (const { delivery, verdict } of settled) {
    const key = `${delivery.keyId} ${delivery.origin}`;
    let receiver = receivers.get(key);
    if (receiver === undefined) {
      const { keyId, origin, healthy } = delivery;
      const zero = { successes: 0, failures: 0, trailing: 0, probeFailed: false, lastError: null };
      receiver = { keyId, origin, healthy, ...zero };
      receivers.set(key, receiver);
    }
    // 410 is an answer of a receiver that knows what it does.
    const answered = verdict.outcome === 'delivered' || verdict.gone;
    receiver.healthy &&= delivery.healthy && answered;
    if (answered) {
      receiver.successes += 1;
      receiver.trailing = 0;
    } else {
      receiver.failures += 1;
      receiver.trailing += 1;
      receiver.lastError = verdict.error;
      receiver.probeFailed ||= delivery.probe;
    }
  }
  return [...receivers.values()].filter(({ healthy }) => !healthy);
}

/** PostgreSQL's text holds no U+0000. */
function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '\uFFFD');
}

/** An array as PostgreSQL reads it, of what needs no quotes: pg looks for them in each element and spells dates out. */
function plainArray(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`;
}

/** The elements are mostly all absent: a receiver that is well has no errors and, with a 204, no answer. */
function textArray(values: readonly (string | null)[]): readonly (string | null)[] | string {
  return values.every((value) => value === null) ? plainArray(values) : values;
}

// Times come as milliseconds since 1970.
const SETTLE = `with o as materialized (
    select id, attempt, token, to_timestamp(started_ms / 1000) as started_at,
      to_timestamp(finished_ms / 1000) as finished_at, outcome, address, response_status, response_start, duration_ms,
      error, to_timestamp(next_attempt_ms / 1000) as next_attempt_at, body_sha256
    from unnest($1::uuid[], $2::int[], $3::uuid[], $4::float8[], $5::float8[], $6::text[],
      $7::text[], $8::smallint[], $9::text[], $10::int[], $11::text[], $12::float8[], $13::text[])
      as o (id, attempt, token, started_ms, finished_ms, outcome, address, response_status, response_start,
        duration_ms, error, next_attempt_ms, body_sha256)
  ),
  logged as (
    update webhook_attempts a set started_at = o.started_at, finished_at = o.finished_at, outcome = o.outcome,
      address = o.address, response_status = o.response_status, response_start = o.response_start,
      duration_ms = o.duration_ms, error = o.error
    from o where a.delivery_id = o.id and a.attempt = o.attempt
  )
  update webhook_deliveries d set
    status = case when o.outcome = 'delivered' then 'delivered'
      when o.next_attempt_at is null then 'failed' else 'pending' end,
    failures = d.failures + case when o.outcome = 'failed' then 1 else 0 end,
    next_attempt_at = coalesce(o.next_attempt_at, d.next_attempt_at),
    response_status = o.response_status, last_error = o.error,
    delivered_at = case when o.outcome = 'delivered' then o.finished_at else d.delivered_at end,
    body_sha256 = coalesce(o.body_sha256, d.body_sha256), locked_until = null, lock_token = null
  from o
  where d.id = o.id and (d.lock_token = o.token or o.outcome = 'delivered')`;

// Rows are locked in the order of their key, so that two processes never wait for each other. Slots follow the
// receiver: success adds to them, a batch that mostly fails halves them, so that a receiver that has never answered
// cannot hold many. A success closes the circuit; only a failed probe makes its pause longer, not the stragglers that
// were on their way when it opened.
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
