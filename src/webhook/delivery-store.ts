import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../database/database.service.js';
import { DELIVERY_STATUSES, type AttemptOutcome, type DeliveryStatus, type WebhookEvent } from './webhook.entities.js';

export interface AttemptRecord {
  readonly deliveryId: string;
  readonly attempt: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly outcome: AttemptOutcome;
  readonly address: string | null;
  readonly responseStatus: number | null;
  readonly responseStart: string | null;
  readonly durationMs: number | null;
  readonly error: string | null;
}

export interface DeliveryRecord {
  readonly id: string;
  readonly jobId: string | null;
  readonly event: WebhookEvent;
  readonly url: string;
  readonly status: DeliveryStatus;
  readonly part: number;
  readonly parts: number;
  readonly lots: number;
  readonly createdAt: Date;
  readonly deliveredAt: Date | null;
  readonly nextAttemptAt: Date;
  readonly responseStatus: number | null;
  readonly lastError: string | null;
  readonly attempts: readonly AttemptRecord[];
}

export interface DeliveryFilter {
  readonly keyId: string;
  readonly jobId?: string;
  readonly id?: string;
  /** In one of these states. */
  readonly statuses?: readonly DeliveryStatus[];
  /** The last id of the page before. */
  readonly after?: string;
  readonly limit: number;
}

/** Deliveries as their owners see them, and sending them again. */
@Injectable()
export class DeliveryStore {
  constructor(private readonly database: Database) {}

  /** Deliveries with every attempt: a job's in the order in which they were queued, a key id's latest first. */
  async list(filter: DeliveryFilter): Promise<DeliveryRecord[]> {
    const values: unknown[] = [filter.keyId, filter.limit];
    const parameter = (value: unknown) => `$${values.push(value)}`;
    const order = filter.jobId === undefined ? 'desc' : 'asc';
    let where = 'key_id = $1';
    if (filter.jobId !== undefined) where += ` and job_id = ${parameter(filter.jobId)}`;
    if (filter.id !== undefined) where += ` and id = ${parameter(filter.id)}`;
    if (filter.after !== undefined) where += ` and id ${order === 'asc' ? '>' : '<'} ${parameter(filter.after)}`;
    const select = `select ${DELIVERY_COLUMNS} from webhook_deliveries where ${where}`;
    const end = `order by id ${order} limit $2`;
    const statuses =
      filter.statuses ?? (filter.jobId === undefined && filter.id === undefined ? DELIVERY_STATUSES : []);
    let text = `${select} ${end}`;
    if (statuses.length > 0) {
      // The index of a key's deliveries is in order within each status: the first of each, and of these the first.
      // In one statement over several of them the planner reads every delivery of the key, or every later one of others.
      const ofEach = [...new Set(statuses)].map((status) => `(${select} and status = ${parameter(status)} ${end})`);
      text = `select * from (${ofEach.join(' union all ')}) d ${end}`;
    }
    const deliveries = await this.database.query<Omit<DeliveryRecord, 'attempts'>>(text, values);
    const attempts = await this.database.query<AttemptRecord>(
      `select delivery_id as "deliveryId", attempt, started_at as "startedAt", finished_at as "finishedAt", outcome,
         address, response_status as "responseStatus", response_start as "responseStart", duration_ms as "durationMs",
         error
       from webhook_attempts where delivery_id = any($1::uuid[]) order by delivery_id, attempt`,
      [deliveries.map(({ id }) => id)],
    );
    const byDelivery = new Map(deliveries.map(({ id }): [string, AttemptRecord[]] => [id, []]));
    for (const attempt of attempts) byDelivery.get(attempt.deliveryId)?.push(attempt);
    return deliveries.map((delivery) => ({ ...delivery, attempts: byDelivery.get(delivery.id) ?? [] }));
  }

  /** Has one delivery sent again from the start of its schedule; one that is just being sent stays as it is. */
  async sendAgain(tx: Transaction, id: string, now: Date): Promise<void> {
    await tx.execute(`${SEND_AGAIN} where id = $2 and status <> 'in_flight'`, [now, id]);
    await this.tryReceivers(tx, 'd.id = $2', [now, id]);
  }

  /** The same for every delivery of a job's end. */
  async sendAllAgain(tx: Transaction, jobId: string, now: Date): Promise<void> {
    await tx.execute(`${SEND_AGAIN} where job_id = $2 and event <> 'batch_job_progress' and status <> 'in_flight'`, [
      now,
      jobId,
    ]);
    await this.tryReceivers(tx, 'd.job_id = $2', [now, jobId]);
  }

  /** Deliveries of a job's end. */
  async countOfJob(jobId: string): Promise<number> {
    const [row] = await this.database.query<{ n: number }>(
      `select count(*)::int as n from webhook_deliveries where job_id = $1 and event <> 'batch_job_progress'`,
      [jobId],
    );
    return row?.n ?? 0;
  }

  /** Whoever asks by hand has mended the receiver: an open circuit lets a probe through at once. */
  private async tryReceivers(tx: Transaction, which: string, values: readonly [Date, string]): Promise<void> {
    await tx.execute(
      `update webhook_endpoints e set open_until = $1::timestamptz
       from (select key_id, origin from webhook_endpoints
             where opened_at is not null and open_until > $1 and (key_id, origin) in (
               select d.key_id, d.origin from webhook_deliveries d where ${which})
             order by key_id, origin for update) o
       where e.key_id = o.key_id and e.origin = o.origin`,
      values,
    );
  }
}

const DELIVERY_COLUMNS = `id, job_id as "jobId", event, url, status, part, parts, lots, created_at as "createdAt",
  delivered_at as "deliveredAt", next_attempt_at as "nextAttemptAt", response_status as "responseStatus",
  last_error as "lastError"`;

const SEND_AGAIN = `update webhook_deliveries
  set status = 'pending', failures = 0, unknown_outcomes = 0, next_attempt_at = $1`;
