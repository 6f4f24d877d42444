import { Injectable } from '@nestjs/common';
import { cursorAfter, parseCursor } from '../common/cursor.js';
import { Clock, rfc3339 } from '../common/clock.js';
import { isUuid } from '../common/ids.js';
import { ServiceError } from '../common/service-error.js';
import { Database, type Transaction } from '../database/database.service.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { JobReader } from '../jobs/job-reader.js';
import { RequestKeyStore, type NewRequestKey } from '../jobs/request-key-store.js';
import type { AttemptDto, DeliveriesQuery, DeliveryDto, DeliveryListDto, ReplayDto } from './deliveries.dto.js';
import { DeliveryHints } from '../common/work-hints.js';
import { DeliveryStore, type AttemptRecord, type DeliveryFilter, type DeliveryRecord } from './delivery-store.js';
import { OutboxStore } from './outbox-store.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** An answer, and whether the request was a repeat, which sent nothing. */
export interface Repeatable<T> {
  readonly answer: T;
  readonly replayed: boolean;
}

/** Shows clients their deliveries, and sends them again. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly store: DeliveryStore,
    private readonly outbox: OutboxStore,
    private readonly requestKeys: RequestKeyStore,
    private readonly hints: DeliveryHints,
    private readonly clock: Clock,
  ) {}

  /** @throws ServiceError JOB_NOT_FOUND */
  async ofJob(keyId: string, jobId: string, query: DeliveriesQuery): Promise<DeliveryListDto> {
    const job = await this.jobs.find(jobId, keyId);
    return this.page({ keyId, jobId: job.id }, query);
  }

  /** The deliveries of all jobs of a key id, the latest first. */
  async ofKey(keyId: string, query: DeliveriesQuery): Promise<DeliveryListDto> {
    return this.page({ keyId }, query);
  }

  /** @throws ServiceError DELIVERY_NOT_FOUND */
  async one(keyId: string, id: string): Promise<DeliveryDto> {
    const [delivery] = isUuid(id) ? await this.store.list({ keyId, id, limit: 1 }) : [];
    if (delivery === undefined) throw notFound();
    return toDto(delivery);
  }

  /**
   * Sends a delivery again: with the same webhook-id and bytes, from the start of the schedule.
   * @throws ServiceError JOB_NOT_FOUND, DELIVERY_NOT_FOUND, REQUEST_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED
   */
  async retry(keyId: string, jobId: string, id: string, repeat: NewRequestKey): Promise<Repeatable<DeliveryDto>> {
    const job = await this.jobs.find(jobId, keyId);
    const before = await this.one(keyId, id);
    if (before.job_id !== job.id) throw notFound();
    const replayed = await this.once(repeat, job, (tx) => this.outbox.sendAgain(tx, before.id, this.clock.date()));
    return { answer: await this.one(keyId, before.id), replayed };
  }

  /**
   * Sends all deliveries of a job's end again.
   * @throws ServiceError JOB_NOT_FOUND, REQUEST_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED
   */
  async replay(keyId: string, jobId: string, repeat: NewRequestKey): Promise<Repeatable<ReplayDto>> {
    const job = await this.jobs.find(jobId, keyId);
    const replayed = await this.once(repeat, job, (tx) => this.outbox.sendAllAgain(tx, job.id, this.clock.date()));
    return { answer: { job_id: job.id, deliveries: await this.store.countOfJob(job.id) }, replayed };
  }

  /** Runs `work`, unless the request is a repeat. @returns true for a repeat */
  private async once(
    repeat: NewRequestKey,
    job: JobRecord,
    work: (tx: Transaction) => Promise<void>,
  ): Promise<boolean> {
    const first = await this.database.transaction((tx) =>
      this.requestKeys.once(tx, repeat, async () => {
        // When the removal of an old job has just begun, nothing is left to send.
        await this.jobs.hold(tx, job);
        await work(tx);
      }),
    );
    if (first === null) this.hints.wake();
    return first !== null;
  }

  private async page(
    filter: Pick<DeliveryFilter, 'keyId' | 'jobId'>,
    query: DeliveriesQuery,
  ): Promise<DeliveryListDto> {
    const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    const after = query.cursor === undefined ? null : parseCursor(query.cursor);
    const found = await this.store.list({
      ...filter,
      ...(query.status === undefined ? {} : { statuses: query.status }),
      ...(after !== null && { after }),
      limit: limit + 1,
    });
    const shown = found.slice(0, limit);
    const more = found.length > limit;
    const last = shown.at(-1);
    const cursor = more && last !== undefined ? cursorAfter(last.id) : null;
    return { deliveries: shown.map(toDto), pagination: { limit, has_more: more, next_cursor: cursor } };
  }
}

function notFound(): ServiceError {
  return new ServiceError(
    'DELIVERY_NOT_FOUND',
    'There is no delivery with this id; GET /api/v1/batch-jobs/{job_id}/deliveries lists those of a job.',
  );
}

function toDto(delivery: DeliveryRecord): DeliveryDto {
  return {
    id: delivery.id,
    job_id: delivery.jobId,
    event: delivery.event,
    url: delivery.url,
    status: delivery.status,
    part: { number: delivery.part, of: delivery.parts },
    lots: delivery.lots,
    created_at: rfc3339(delivery.createdAt),
    delivered_at: delivery.deliveredAt === null ? null : rfc3339(delivery.deliveredAt),
    next_attempt_at: delivery.status === 'pending' ? rfc3339(delivery.nextAttemptAt) : null,
    response_status: delivery.responseStatus,
    error: delivery.lastError,
    attempts: delivery.attempts.map(attemptDto),
  };
}

function attemptDto(attempt: AttemptRecord): AttemptDto {
  return {
    attempt: attempt.attempt,
    started_at: rfc3339(attempt.startedAt),
    finished_at: attempt.finishedAt === null ? null : rfc3339(attempt.finishedAt),
    outcome: attempt.outcome,
    address: attempt.address,
    response_status: attempt.responseStatus,
    response_start: attempt.responseStart,
    duration_ms: attempt.durationMs,
    error: attempt.error,
  };
}
