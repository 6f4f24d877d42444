import { API_VERSION } from '../common/api-version.js';
import { rfc3339 } from '../common/clock.js';
import { completionPercentage } from '../jobs/job-progress.js';
import { isPaused } from '../jobs/job-pause.js';
import type { JobStage, JobStatus } from '../jobs/states.js';
import type {
  BodyMembers,
  DeliveryExhaustedBody,
  JobEndBody,
  JobProgressBody,
  PingBody,
  ReceiverRecoveredBody,
} from './webhook-body.js';
import type { GivenUpDelivery } from './given-up-store.js';
import type { EndedJob } from '../jobs/job-columns.js';
import type { WebhookEvent } from './delivery-states.js';

/** How many deliveries or jobs one event names. */
const MOST_NAMED = 100;
const COMMA = Buffer.from(',');
const END = Buffer.from(']}');

/** A body without its signature and its lots: the event, and the members between the two. */
export interface BodyFrame {
  readonly event: WebhookEvent;
  /** JSON text of the members between `signature` and `lots`, without braces. */
  readonly members: string;
}

/**
 * The frame of a webhook about a job's end. It comes only from stored values that no longer change, so every attempt
 * renders the same bytes. That is why `timestamp` is the time of the job's end and not of the attempt.
 */
export function endOfJobFrame(event: WebhookEvent, job: EndedJob, part: { number: number; of: number }): BodyFrame {
  const ended = rfc3339(job.completedAt ?? job.cancelledAt ?? new Date(0));
  const members: BodyMembers<JobEndBody> = {
    version: API_VERSION,
    job_id: job.id,
    status: job.status,
    timestamp: ended,
    completed_at: job.completedAt === null ? null : ended,
    ...(job.cancelledAt === null ? {} : { cancelled_at: rfc3339(job.cancelledAt) }),
    total_lots: job.totalLots,
    completed_lots: job.processedLots,
    failed_lots: job.failedLots,
    results_available: true,
    result_url: `/api/v1/batch-results/${job.id}`,
    processing_summary: {
      total_lots: job.totalLots,
      processed_lots: job.processedLots,
      failed_lots: job.failedLots,
    },
    ...(job.error === null ? {} : { error: job.error }),
    part,
    metadata: job.metadata,
    ...(job.retryOf === null ? {} : { retry_of: job.retryOf }),
  };
  return { event, members: JSON.stringify(members).slice(1, -1) };
}

/** How far a running job has come. */
export interface Progress {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly stage: JobStage;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  /** Null unless it is paused. */
  readonly pausedAt: Date | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryOf: string | null;
}

/** The stored members of a progress event, as JSON text of an object. */
export function progressPayload(progress: Progress, now: Date): string {
  const { jobId, totalLots, processedLots, failedLots } = progress;
  const members: BodyMembers<JobProgressBody> = {
    version: API_VERSION,
    job_id: jobId,
    status: progress.status,
    timestamp: rfc3339(now),
    current_stage: progress.stage,
    total_lots: totalLots,
    completed_lots: processedLots,
    failed_lots: failedLots,
    completion_percentage: completionPercentage(progress),
    paused: isPaused(progress),
    results_available: false,
    result_url: `/api/v1/batch-results/${jobId}`,
    metadata: progress.metadata,
    ...(progress.retryOf === null ? {} : { retry_of: progress.retryOf }),
  };
  return JSON.stringify(members);
}

/** The stored members of `delivery_exhausted`, as JSON text of an object. */
export function exhaustedPayload(
  jobId: string,
  url: string,
  deliveries: readonly GivenUpDelivery[],
  now: Date,
): string {
  const members: BodyMembers<DeliveryExhaustedBody> = {
    version: API_VERSION,
    timestamp: rfc3339(now),
    job_id: jobId,
    url,
    total: deliveries.length,
    deliveries: deliveries.slice(0, MOST_NAMED).map(({ id, event, part, parts, lots, attempts, ...last }) => ({
      id,
      event,
      part: { number: part, of: parts },
      lots,
      attempts,
      response_status: last.responseStatus,
      error: last.error,
    })),
  };
  return JSON.stringify(members);
}

/** The stored members of `receiver_recovered`, as JSON text of an object. @param jobIds - the latest first */
export function recoveredPayload(url: string, jobIds: readonly string[], now: Date): string {
  const members: BodyMembers<ReceiverRecoveredBody> = {
    version: API_VERSION,
    timestamp: rfc3339(now),
    url,
    total: jobIds.length,
    job_ids: jobIds.slice(0, MOST_NAMED),
  };
  return JSON.stringify(members);
}

/** The stored members of a test event, as JSON text of an object. */
export function pingPayload(now: Date): string {
  const members: BodyMembers<PingBody> = { version: API_VERSION, timestamp: rfc3339(now) };
  return JSON.stringify(members);
}

/** The frame of an event whose members were stored when it was queued. */
export function storedFrame(event: WebhookEvent, payload: string): BodyFrame {
  return { event, members: payload.slice(1, -1) };
}

/**
 * The body that is sent: one JSON object whose `signature` is the lots signature of its `lots`.
 * @param lots - the JSON text of each lot as bytes: as strings, one mebibyte of Cyrillic text took seven of memory
 */
export function assembleBody(frame: BodyFrame, signature: string, lots: readonly Buffer[]): Buffer {
  const chunks: Buffer[] = [Buffer.from(head(frame, signature))];
  for (const [index, lot] of lots.entries()) {
    if (index > 0) chunks.push(COMMA);
    chunks.push(lot);
  }
  chunks.push(END);
  return Buffer.concat(chunks);
}

/** The same body for a few lots: joining strings and encoding them once then takes half the time. */
export function assembleText(frame: BodyFrame, signature: string, lots: readonly string[]): Buffer {
  return Buffer.from(`${head(frame, signature)}${lots.join(',')}]}`);
}

function head({ event, members }: BodyFrame, signature: string): string {
  return `{"event":"${event}","signature":"${signature}",${members},"lots":[`;
}
