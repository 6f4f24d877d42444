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

/** A client asked for a test event: it has no job. */
export interface PingEvent extends AnyEvent {
  event: 'ping';
}

export type WebhookEvent = JobEndEvent | JobProgressEvent | PingEvent;
