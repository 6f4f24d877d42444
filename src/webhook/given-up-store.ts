import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../database/database.service.js';
import { tellsOfEnd, type WebhookEvent } from './delivery-states.js';

/** A delivery of a job's end that has no attempt left. */
export interface GivenUpDelivery {
  readonly id: string;
  readonly jobId: string;
  readonly keyId: string;
  readonly url: string;
  readonly event: WebhookEvent;
  readonly part: number;
  readonly parts: number;
  readonly lots: number;
  readonly attempts: number;
  readonly responseStatus: number | null;
  readonly error: string | null;
}

/** An address of a key id. */
export interface Address {
  readonly keyId: string;
  readonly origin: string;
  readonly url: string;
}

/** An address that answers again, and a job that has given-up deliveries there. */
export interface RecoveredJob extends Pick<Address, 'keyId' | 'url'> {
  readonly jobId: string;
}

/** The SQL of deliveries that were given up, and of the addresses that are awaited because of them. */
@Injectable()
export class GivenUpStore {
  constructor(private readonly database: Database) {}

  /** Reads those of these deliveries that report a job's end: the other events are not reported once more. */
  async find(tx: Transaction, ids: readonly string[]): Promise<GivenUpDelivery[]> {
    return tx.query<GivenUpDelivery>(
      `select id, job_id as "jobId", key_id as "keyId", url, event, part, parts, lots, attempts,
         response_status as "responseStatus", last_error as error
       from webhook_deliveries where id = any($1::uuid[]) and ${tellsOfEnd()} order by id`,
      [ids],
    );
  }

  /** Marks these deliveries as waiting for their address to answer again. */
  async await(tx: Transaction, ids: readonly string[]): Promise<void> {
    await tx.execute('update webhook_deliveries set awaits_recovery = true where id = any($1::uuid[])', [ids]);
  }

  /** Whether any address is awaited; nearly always none is, and this costs one look at an empty index. */
  async anyAwaited(): Promise<boolean> {
    return (await this.database.query('select 1 from webhook_deliveries where awaits_recovery limit 1')).length > 0;
  }

  /**
   * Ends the waiting for these addresses.
   * @returns the jobs whose deliveries waited, each once for an address, the latest first
   */
  async takeAwaited(tx: Transaction, addresses: readonly Address[]): Promise<RecoveredJob[]> {
    // Two processes may hear from the same address at the same time: the second skips what the first has locked.
    return tx.query<RecoveredJob>(
      `with waiting as (
         select d.id from webhook_deliveries d
         -- The origin is for the index, which could not hold an address.
         join unnest($1::text[], $2::text[], $3::text[]) as a (key_id, origin, url)
           on a.key_id = d.key_id and a.origin = d.origin and a.url = d.url
         where d.awaits_recovery for update of d skip locked),
       told as (
         update webhook_deliveries set awaits_recovery = false where id in (select id from waiting)
         returning key_id, url, job_id)
       select distinct key_id as "keyId", url, job_id as "jobId" from told order by job_id desc`,
      [addresses.map(({ keyId }) => keyId), addresses.map(({ origin }) => origin), addresses.map(({ url }) => url)],
    );
  }
}
