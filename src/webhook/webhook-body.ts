import type { StoredError } from '../jobs/batch-job.entity.js';
import type { LotResultDto } from '../jobs/lot-result.dto.js';
import type { JobStage, JobStatus, TerminalStatus } from '../jobs/states.js';
import type { DeliveryPartDto } from './deliveries.dto.js';
import type { WebhookEvent } from './delivery-states.js';

/**
 * The members of every webhook's body. Receivers do not call this API, so these types are not in the OpenAPI document.
 */
interface WebhookBody {
  /** What has happened. */
  readonly event: WebhookEvent;
  /** The lots signature of `lots`, for receivers of the older service. */
  readonly signature: string;
  /** Always "1.0.0". */
  readonly version: '1.0.0';
  /** When it happened; the same on every attempt. */
  readonly timestamp: string;
  /** Lots as in results; empty unless a job has ended. */
  readonly lots: readonly LotResultDto[];
}

/** The members of every body about a job. */
interface JobWebhookBody extends WebhookBody {
  /** The job that the webhook is about. */
  readonly job_id: string;
  /** Lots of the job. */
  readonly total_lots: number;
  /** Lots of the job that were completed with their languages. */
  readonly completed_lots: number;
  /** Lots of the job that failed. */
  readonly failed_lots: number;
  /** Whether `result_url` has all results. */
  readonly results_available: boolean;
  /** The path of the results. */
  readonly result_url: string;
  /** Echoed from the request. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The job whose lots this one tries once more; absent otherwise. */
  readonly retry_of?: string;
}

interface WebhookSummary {
  /** Lots of the job. */
  readonly total_lots: number;
  /** Lots completed with their languages. */
  readonly processed_lots: number;
  /** Lots that failed. */
  readonly failed_lots: number;
}

/** batch_job_completed, batch_job_failed and batch_job_cancelled. */
export interface JobEndBody extends JobWebhookBody {
  /** How it ended. */
  readonly status: TerminalStatus;
  /** null unless the job has completed or failed. */
  readonly completed_at: string | null;
  /** When it was cancelled; absent otherwise. */
  readonly cancelled_at?: string;
  /** The whole job's totals once more, under the older names. */
  readonly processing_summary: WebhookSummary;
  /** Why the job as a whole failed; absent otherwise. */
  readonly error?: StoredError;
  /** Which of the address's parts this one is. */
  readonly part: DeliveryPartDto;
}

/** batch_job_progress. */
export interface JobProgressBody extends JobWebhookBody {
  /** pending, processing or translating. */
  readonly status: JobStatus;
  /** image_check, vision_analysis, translation or finishing. */
  readonly current_stage: JobStage;
  /** 100 × (completed + failed) / total, at most two decimals. */
  readonly completion_percentage: number;
  /** Whether the job is paused. */
  readonly paused: boolean;
}

/** One delivery of `delivery_exhausted`. */
interface ExhaustedDelivery {
  /** Its webhook-id, by which it can be sent again. */
  readonly id: string;
  /** What it reports. */
  readonly event: WebhookEvent;
  /** Which of the address's parts it is. */
  readonly part: DeliveryPartDto;
  /** How many lots it has. */
  readonly lots: number;
  /** How many requests were sent. */
  readonly attempts: number;
  /** The HTTP status of the latest answer; null when none came. */
  readonly response_status: number | null;
  /** Why the latest attempt failed. */
  readonly error: string | null;
}

/** delivery_exhausted. */
export interface DeliveryExhaustedBody extends WebhookBody {
  /** The job whose deliveries were given up. */
  readonly job_id: string;
  /** The address that they were for. */
  readonly url: string;
  /** How many were given up now. */
  readonly total: number;
  /** The first 100 of them. */
  readonly deliveries: readonly ExhaustedDelivery[];
}

/** receiver_recovered. */
export interface ReceiverRecoveredBody extends WebhookBody {
  /** The address that answers again; it is the one that gets this event. */
  readonly url: string;
  /** How many jobs have given-up deliveries for it. */
  readonly total: number;
  /** The latest 100 of them. */
  readonly job_ids: readonly string[];
}

/** ping. */
export type PingBody = WebhookBody;

/** The members of a body between its `signature` and its `lots`. */
export type BodyMembers<T extends WebhookBody> = Omit<T, 'event' | 'signature' | 'lots'>;
