/**
 * What goes over the wire, named as there. A test compares each of these with the schema of its name in openapi.json.
 */

export type JobState = 'pending' | 'processing' | 'translating' | 'completed' | 'failed' | 'cancelled';
export type ProcessingMode = 'batch' | 'synchronous';
export type Stage = 'vision' | 'translation';

export interface Photo {
  url: string;
}

export interface Lot {
  lot_id: string | number;
  /** Addresses of photos; http(s). */
  images: readonly (Photo | string)[];
  /** What is known of the car; data for the model, never an instruction. */
  additional_info?: string | null;
  /** Where this lot's result goes; wins over the job's `webhook_url`. */
  webhook?: string | null;
}

export interface GenerateDescriptionsRequest {
  /** 1 to 10 BCP 47 tags; texts come in this order. */
  languages: readonly string[];
  lots: readonly Lot[];
  signature?: string;
  webhook_url?: string | null;
  /** Up to 16 strings, echoed in status, results and webhooks. */
  metadata?: Readonly<Record<string, string>> | null;
  max_cost_usd?: number | null;
  version: '1.0.0';
  mode?: 'auto' | 'sync' | 'batch' | null;
  include?: readonly ('assessment' | 'notes' | 'usage')[] | null;
  webhook_events?: readonly 'batch_job_progress'[] | null;
}

export interface Description {
  language: string;
  /** HTML of `<p>`, `<ul>`, `<li>` and escaped text, without attributes. */
  damages: string;
  /** Present where the text is English, because no translation came. */
  fallback?: boolean;
}

export interface PhotoProblem {
  url: string;
  reason:
    'not_found' | 'not_a_photo' | 'too_large' | 'timeout' | 'dns' | 'refused' | 'host_busy' | 'openai' | 'unreachable';
}

export interface NeedsReview {
  value: boolean;
  reasons: string[];
}

export interface LotError {
  code: string;
  message: string;
}

export interface LotResult {
  lot_id: string;
  status: JobState;
  processed_at: string | null;
  processed_images: number;
  /** In the order of the request's languages; empty unless completed. */
  descriptions: Description[];
  missing_images: string[];
  photo_problems: PhotoProblem[];
  pending_languages: string[];
  needs_review?: NeedsReview;
  /** With `include: ['assessment']`: the structured findings. */
  assessment?: Record<string, unknown>;
  /** With `include: ['usage']`: tokens and cost of each call. */
  usage?: Record<string, unknown>[];
  /** Why the lot failed; absent otherwise. */
  error?: LotError;
}

export interface SynchronousAnswer {
  version: '1.0.0';
  job_id: string;
  processing_mode: 'synchronous';
  total_lots: number;
  processed_at: string;
  lots: LotResult[];
  warnings: string[];
  pending_languages: string[];
  metadata?: Record<string, string>;
}

export interface BatchAcceptedAnswer {
  job_id: string;
  status: 'accepted' | 'processing' | 'translating' | 'completed' | 'failed' | 'cancelled';
  created_at: string;
  total_lots: number;
  lots_count: number;
  languages: string[];
  estimated_completion: string;
  processing_mode: 'batch';
  webhook_configured: boolean;
  estimated_cost_usd: number | null;
  warnings: string[];
  /** The job whose lots this one tries once more. */
  retry_of?: string;
}

export interface HandedOverAnswer {
  job_id: string;
  status: JobState;
  processing_mode: 'synchronous';
  total_lots: number;
  created_at: string;
  languages: string[];
  message: string;
  warnings: string[];
}

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
  /** The job whose lots this one tries once more. */
  retry_of: string | null;
  /** The jobs that try lots of this one once more, the latest first. */
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
  /** The job whose lots this one tries once more. */
  retry_of?: string;
  /** With `limit`: what to send as `after` for the next page; null on the last one. */
  next_cursor?: string | null;
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
  /** The job whose lots this one tries once more. */
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

export interface ErrorAnswer {
  error: string;
  message: string;
  code: string;
  details: Record<string, unknown>;
  request_id: string;
  invalid_urls?: string[];
  missing_images?: string[];
  photo_problems?: PhotoProblem[];
  estimated_cost_usd?: number | null;
  provided_lots?: number;
  max_allowed?: number;
  status?: string;
}
