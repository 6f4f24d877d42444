import type { JobState, LotResult, ProcessingDetails } from './types.js';

interface AnyEvent {
  /** The lots signature, for receivers of the older service. */
  signature: string;
  version: '1.0.0';
  /** When it happened; the same on every attempt. */
  timestamp: string;
  /** As in results; empty unless a job has ended. */
  lots: LotResult[];
}

interface AnyJobEvent extends AnyEvent {
  job_id: string;
  total_lots: number;
  completed_lots: number;
  failed_lots: number;
  results_available: boolean;
  result_url: string;
  metadata: Record<string, string>;
}

/** A job has ended. Its lots come in parts, each with its own webhook-id, in no certain order. */
export interface JobEndEvent extends AnyJobEvent {
  event: 'batch_job_completed' | 'batch_job_failed' | 'batch_job_cancelled';
  status: 'completed' | 'failed' | 'cancelled';
  completed_at: string | null;
  cancelled_at?: string;
  processing_summary: { total_lots: number; processed_lots: number; failed_lots: number };
  error?: { code: string; message: string };
  part: { number: number; of: number };
}

/** A job has moved on; only for requests with `webhook_events: ['batch_job_progress']`. */
export interface JobProgressEvent extends AnyJobEvent {
  event: 'batch_job_progress';
  status: JobState;
  current_stage: ProcessingDetails['current_stage'];
  completion_percentage: number;
  paused: boolean;
}

/** Deliveries to a lot's own address were given up; only for requests that name it in `webhook_events`. */
export interface DeliveryExhaustedEvent extends AnyEvent {
  event: 'delivery_exhausted';
  job_id: string;
  /** The address that they were for. */
  url: string;
  /** How many were given up now; `deliveries` names the first 100. */
  total: number;
  deliveries: {
    /** Its webhook-id, by which it can be sent again. */
    id: string;
    event: JobEndEvent['event'];
    part: { number: number; of: number };
    lots: number;
    attempts: number;
    response_status: number | null;
    error: string | null;
  }[];
}

/**
 * The address that gets this answers again, after deliveries for it were given up; only for requests that name it in
 * `webhook_events`.
 */
export interface ReceiverRecoveredEvent extends AnyEvent {
  event: 'receiver_recovered';
  url: string;
  /** How many jobs have given-up deliveries for it; `job_ids` names the latest 100. */
  total: number;
  job_ids: string[];
}

/** A client asked for a test event: it has no job. */
export interface PingEvent extends AnyEvent {
  event: 'ping';
}

export type WebhookEvent = JobEndEvent | JobProgressEvent | DeliveryExhaustedEvent | ReceiverRecoveredEvent | PingEvent;
