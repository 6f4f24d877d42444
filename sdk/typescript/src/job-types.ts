import type { JobState, LotResult, ProcessingMode, Stage } from './types.js';

/** How a job stands and what it has, named as on the wire. */

export interface Progress {
  total_lots: number;
  processed_lots: number;
  failed_lots: number;
  completion_percentage: number;
  estimated_completion: string | null;
}

export interface StatusProgress extends Progress {
  /** The share of the work that is done in all stages; it never falls. */
  work_percentage: number;
}

export interface ProcessingDetails {
  openai_vision_batch_id: string | null;
  openai_translation_batch_id: string | null;
  current_stage: 'image_check' | 'vision_analysis' | 'translation' | 'finishing' | 'done';
}

export interface Stages {
  image_check: number;
  vision_analysis: number;
  translation: number;
  completed: number;
  failed: number;
  cancelled: number;
}

export interface OpenAiRequestCounts {
  total: number;
  completed: number;
  failed: number;
}

export interface OpenAiBatch {
  stage: Stage;
  batch_id: string | null;
  status: string;
  openai_status: string | null;
  model: string;
  attempt: number;
  lots: number;
  request_counts: OpenAiRequestCounts;
  reason: string | null;
  submitted_at: string | null;
  finished_at: string | null;
}

export interface UsageEntry {
  stage: Stage;
  model: string;
  calls: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_usd: number;
}

export interface Usage {
  cost_usd: number;
  estimated_cost_usd: number | null;
  by_stage: UsageEntry[];
}

export interface WebhookCounts {
  pending: number;
  in_flight: number;
  delivered: number;
  failed: number;
  superseded: number;
}

export interface Pause {
  paused_at: string;
  /** When it resumes by itself. */
  resumes_at: string;
  by: ('client' | 'operator')[];
}

export interface JobStatus {
  job_id: string;
  status: JobState;
  processing_mode: ProcessingMode;
  created_at: string;
  updated_at: string;
  completed_at: string | null;
  cancelled_at: string | null;
  paused: boolean;
  pause?: Pause;
  progress: StatusProgress;
  languages: string[];
  processing_details: ProcessingDetails;
  stages: Stages;
  openai_batches: OpenAiBatch[];
  usage: Usage;
  error_message: string | null;
  error_code: string | null;
  /** The lots without a description, by code, most lots first. */
  errors: ErrorCount[];
  webhook_configured: boolean;
  webhooks: WebhookCounts;
  metadata: Record<string, string>;
  retry_of: string | null;
  /** The jobs that tried lots of this one once more. */
  retried_by: string[];
}

/** The lots of a job that ended without a description for one reason. */
export interface ErrorCount {
  /** As in a lot's `error`; CANCELLED for lots of a cancelled job that have no result. */
  code: string;
  lots: number;
  first: string;
  last: string;
}

export interface ProcessingSummary {
  total_lots: number;
  processed_lots: number;
  failed_lots: number;
  total_images_processed: number;
  /** Seconds. */
  total_processing_time: number;
}

export interface ResultsContent {
  version: '1.0.0';
  lots: LotResult[];
}

export interface JobResults {
  job_id: string;
  status: JobState;
  completed_at: string | null;
  cancelled_at: string | null;
  processing_summary: ProcessingSummary;
  metadata: Record<string, string>;
  /** With `limit`: what to send as `after` for the next page; null on the last one. */
  next_cursor?: string | null;
  retry_of?: string;
  results: ResultsContent;
}

export interface JobRunning {
  error: string;
  job_id: string;
  status: JobState;
  progress: Progress;
  message: string;
}

export interface JobListItem {
  id: string;
  job_id: string;
  status: JobState;
  processing_mode: ProcessingMode;
  created_at: string;
  updated_at: string;
  completed_at: string | null;
  cancelled_at: string | null;
  paused: boolean;
  pause?: Pause;
  total_lots: number;
  processed_lots: number;
  failed_lots: number;
  progress: Progress;
  languages: string[];
  error_message: string | null;
  webhook_configured: boolean;
  metadata: Record<string, string>;
  retry_of: string | null;
}

export interface Pagination {
  limit: number;
  offset: number;
  total: number;
  has_more: boolean;
  next_cursor: string | null;
}

export interface JobList {
  jobs: JobListItem[];
  pagination: Pagination;
}

export interface CancelledJob {
  job_id: string;
  status: 'cancelled';
  cancelled_at: string;
  message: string;
}

export interface PausedJob {
  job_id: string;
  status: JobState;
  paused: boolean;
  pause?: Pause;
  message: string;
}
