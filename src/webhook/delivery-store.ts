import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { RowsToRemove } from '../database/delete-some.js';
import {
  DELIVERY_STATUSES,
  isOpen,
  tellsOfEnd,
  type AttemptOutcome,
  type DeliveryStatus,
  type WebhookEvent,
} from './delivery-states.js';

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
  /** Only deliveries in one of these states. */
  readonly statuses?: readonly DeliveryStatus[];
  /** The last id of the page before. */
  readonly after?: string;
  readonly limit: number;
}

/** Reads deliveries for the clients that own them. */
@Injectable()
export class DeliveryStore {
  constructor(private readonly database: Database) {}

  /**
   * Deliveries with all their attempts: those of a job in the order in which they were queued, those of a key id latest
   * first.
   */
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
      // The index of a key's deliveries is ordered within each status. So the first ones of each status are read, and
      // of these the first. A single condition over several states makes the planner read all deliveries of the key.
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

  /** The number of deliveries of a job's end. */
  async countOfJob(jobId: string): Promise<number> {
    const [row] = await this.database.query<{ n: number }>(
      `select count(*)::int as n from webhook_deliveries where job_id = $1 and ${tellsOfEnd()}`,
      [jobId],
    );
    return row?.n ?? 0;
  }
}

const DELIVERY_COLUMNS = `id, job_id as "jobId", event, url, status, part, parts, lots, created_at as "createdAt",
  delivered_at as "deliveredAt", next_attempt_at as "nextAttemptAt", response_status as "responseStatus",
  last_error as "lastError"`;

/** SQL of a JSON object with the number of a job's deliveries in each state. @param jobId - SQL of the job's id */
export function deliveryCountsSql(jobId: string): string {
  return `(select coalesce(json_object_agg(d.status, d.n order by d.status), '{}') from (
      select status, count(*) as n from webhook_deliveries where job_id = ${jobId} group by status) d)`;
}

/** SQL condition: the job still has open deliveries. @param jobId - SQL of the job's id */
export function deliveriesLeftSql(jobId: string): string {
  return `exists (select 1 from webhook_deliveries d where d.job_id = ${jobId} and ${isOpen('d.')} offset 0)`;
}

/** Rows that are removed with the jobs `$1`: attempts first, because they are found through their deliveries. */
export const DELIVERIES_OF_JOBS: readonly RowsToRemove[] = [
  {
    table: 'webhook_attempts',
    key: 'delivery_id, attempt',
    where: 'delivery_id in (select id from webhook_deliveries where job_id = any($1::uuid[]))',
  },
  { table: 'webhook_deliveries', key: 'id', where: 'job_id = any($1::uuid[])' },
];
