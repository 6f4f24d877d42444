import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { DAY_MS } from '../common/clock.js';
import { firstIdAt } from '../common/ids.js';
import { Database } from '../database/database.service.js';
import { isGivenUp, isInFlight, isPending } from './delivery-states.js';

/** A receiver of one key, and what waits for it. */
export interface ListedReceiver {
  readonly keyId: string;
  readonly origin: string;
  /** Since when its circuit is open; null while it is closed. */
  readonly openedAt: Date | null;
  /** When it is tried next; null while the circuit is closed. */
  readonly nextProbeAt: Date | null;
  readonly failuresInARow: number;
  readonly pending: number;
  /** Of the deliveries that were queued in the last days ({@link GIVEN_UP_DAYS}). */
  readonly givenUp: number;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  readonly lastError: string | null;
}

export interface OpenDeliveries {
  readonly pending: number;
  readonly inFlight: number;
}

/** A delivery is tried for up to two days. */
const GIVEN_UP_DAYS = 7;

/** What operators see of the receivers of all keys. */
@Injectable()
export class ReceiverOverviewReader {
  constructor(private readonly database: Database) {}

  /** From the partial indexes of open deliveries. */
  async openDeliveries(): Promise<OpenDeliveries> {
    const [row] = await this.database.query<OpenDeliveries & QueryResultRow>(
      `select (select count(*)::int from webhook_deliveries where ${isPending()}) as pending,
         (select count(*)::int from webhook_deliveries where ${isInFlight()}) as "inFlight"`,
    );
    return row as OpenDeliveries;
  }

  /** How many receivers have an open circuit. */
  async withOpenCircuit(): Promise<number> {
    const [row] = await this.database.query<{ n: number }>(
      'select count(*)::int as n from webhook_endpoints where opened_at is not null',
    );
    return row?.n ?? 0;
  }

  /**
   * Receivers that fail, or that something waits for or was given up for; those with an open circuit first.
   * @param all - those that are well, too
   */
  async list({ all, keyId, now, limit }: { all: boolean; keyId: string | null; now: Date; limit: number }) {
    return this.database.query<ListedReceiver & QueryResultRow>(
      `with given_up as materialized (
         select key_id, origin, count(*)::int as n from webhook_deliveries
         where key_id = any(array(select distinct key_id from webhook_endpoints)) and ${isGivenUp()} and id >= $1
         group by 1, 2),
       waiting as materialized (
         select key_id, origin, count(*)::int as n from webhook_deliveries where ${isPending()} group by 1, 2)
       select e.key_id as "keyId", e.origin, e.opened_at as "openedAt",
         case when e.opened_at is not null then e.open_until end as "nextProbeAt",
         e.consecutive_failures as "failuresInARow", coalesce(w.n, 0) as pending, coalesce(g.n, 0) as "givenUp",
         e.last_success_at as "lastSuccessAt", e.last_failure_at as "lastFailureAt", e.last_error as "lastError"
       from webhook_endpoints e
       left join given_up g on g.key_id = e.key_id and g.origin = e.origin
       left join waiting w on w.key_id = e.key_id and w.origin = e.origin
       where ($2 or e.opened_at is not null or e.consecutive_failures > 0 or w.n is not null or g.n is not null)
         and e.key_id = coalesce($3, e.key_id)
       order by e.opened_at nulls last, coalesce(w.n, 0) desc, e.key_id, e.origin limit $4`,
      [firstIdAt(now.getTime() - GIVEN_UP_DAYS * DAY_MS), all, keyId, limit],
    );
  }
}
