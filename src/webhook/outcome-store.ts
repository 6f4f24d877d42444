import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../database/database.service.js';
import type { ClaimedDelivery, SettledAttempt } from './claimed-delivery.js';
import { isOpen, STEP, type DeliveryStatus } from './delivery-states.js';
import { GivenUpEvents } from './given-up-events.js';
import { storable } from './storable.js';

/** Writes the outcomes of attempts, many at a time: one write for each is seven times slower (measured). */
@Injectable()
export class OutcomeStore {
  constructor(
    private readonly database: Database,
    private readonly givenUp: GivenUpEvents,
  ) {}

  /**
   * Writes attempts and their deliveries in one statement. A delivery that another process holds by now is changed only
   * by a success: a 2xx that was received always wins.
   * @param settled - must not have two attempts of one delivery
   */
  async settle(settled: readonly SettledAttempt[]): Promise<void> {
    const values = settledValues(settled);
    const accepted = settled.filter(({ verdict }) => verdict.outcome === 'delivered').map(({ delivery }) => delivery);
    const ended = settled.some(({ verdict }) => verdict.outcome === 'failed' && verdict.nextAttemptAt === null);
    const recovered = accepted.length > 0 && (await this.givenUp.anyAwaited());
    // Nearly always there is nothing to report, and the one statement needs no transaction around it.
    if (!ended && !recovered) return void (await this.database.execute(SETTLE, values));
    await this.database.transaction(async (tx) => {
      const written = await tx.query<{ id: string; status: DeliveryStatus }>(
        `${SETTLE} returning d.id, d.status`,
        values,
      );
      const failed = written.filter(({ status }) => status === 'failed').map(({ id }) => id);
      for (const { delivery, verdict } of settled) {
        if (verdict.gone) failed.push(...(await this.endGone(tx, delivery)));
      }
      await this.givenUp.gaveUp(tx, failed);
      if (recovered) await this.givenUp.answered(tx, accepted);
    });
  }

  /**
   * After a 410, ends the job's other deliveries for that address; one that is under way may still succeed.
   * @returns their ids
   */
  private async endGone(tx: Transaction, { id, jobId, url }: ClaimedDelivery): Promise<string[]> {
    // Rows that another process is just writing are skipped: two processes could wait for each other's rows.
    const ended = await tx.query<{ id: string }>(
      `update webhook_deliveries set ${STEP.endUnsent},
         last_error = 'HTTP 410 to another delivery of this job: the receiver wants no more of this'
       where id in (
         select id from webhook_deliveries where job_id = $1 and url = $2 and id <> $3 and ${isOpen()}
         for update skip locked)
       returning id`,
      [jobId, url, id],
    );
    return ended.map((row) => row.id);
  }
}

function settledValues(settled: readonly SettledAttempt[]): unknown[] {
  return [
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
  ];
}

/**
 * A PostgreSQL array of values that need no quotes. It is faster than pg, which checks each element and writes out
 * dates.
 */
function plainArray(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`;
}

/**
 * Uses the faster form when all elements are absent, as is usual: a healthy receiver has no errors and sends no body.
 */
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
  update webhook_deliveries d set ${STEP.settle},
    failures = d.failures + case when o.outcome = 'failed' then 1 else 0 end,
    next_attempt_at = coalesce(o.next_attempt_at, d.next_attempt_at),
    response_status = o.response_status, last_error = o.error,
    delivered_at = case when o.outcome = 'delivered' then o.finished_at else d.delivered_at end,
    body_sha256 = coalesce(o.body_sha256, d.body_sha256)
  from o
  where d.id = o.id and (d.lock_token = o.token or o.outcome = 'delivered')`;
