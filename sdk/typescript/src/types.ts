/**
 * What goes over the wire, named as there. A test compares each of these with the schema of its name in openapi.json.
 */
export type * from './job-types.js';

export type JobState = 'pending' | 'processing' | 'translating' | 'completed' | 'failed' | 'cancelled';
export type ProcessingMode = 'batch' | 'synchronous';
export type LotErrorCode =
  | 'IMAGE_UNREACHABLE'
  | 'NO_IMAGES'
  | 'REFUSED'
  | 'INCOMPLETE'
  | 'TEXT_REJECTED'
  | 'OPENAI_API_ERROR'
  | 'OPENAI_TIMEOUT'
  | 'COST_LIMIT_EXCEEDED'
  | 'DEADLINE_EXCEEDED'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERRUPTED'
  | 'INTERNAL_ERROR'
  | 'CANCELLED';
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
  webhook_events?: readonly ('batch_job_progress' | 'delivery_exhausted' | 'receiver_recovered')[] | null;
}

export interface Description {
  language: string;
  /** HTML of `<p>`, `<ul>`, `<li>` and escaped text, without attributes. */
  damages: string;
  /** Present where the text is English, because no translation came. */
  fallback?: boolean;
}

export type PhotoReason =
  'not_found' | 'not_a_photo' | 'too_large' | 'timeout' | 'dns' | 'refused' | 'host_busy' | 'openai' | 'unreachable';

export interface PhotoProblem {
  url: string;
  reason: PhotoReason;
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

export interface RetryRequest {
  codes?: readonly LotErrorCode[] | null;
  lot_ids?: readonly (string | number)[] | null;
  dry_run?: boolean | null;
}

export interface DryRun {
  lots: number;
  estimated_cost_usd: number | null;
  warnings: string[];
}

export interface PhotoCheckRequest {
  images: readonly (Photo | string)[];
}

export interface PhotoTokens {
  low: number | null;
  high: number | null;
}

/** USD in a synchronous request; half of it in a batch. */
export interface PhotoCost {
  low: number | null;
  high: number | null;
}

export interface CheckedPhoto {
  url: string;
  reachable: boolean;
  reason: PhotoReason | null;
  /** What the first bytes show, whatever the file is called. */
  format: 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'tiff' | null;
  bytes: number | null;
  width: number | null;
  height: number | null;
  tokens: PhotoTokens;
  estimated_cost_usd: PhotoCost;
}

export interface PhotoCheckAnswer {
  /** In the order asked. */
  photos: CheckedPhoto[];
}

export interface KeyUsageRow {
  day?: string;
  model?: string;
  mode?: 'sync' | 'batch';
  lots: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost_usd: number;
}

export interface KeyUsage {
  from: string;
  to: string;
  group_by: 'day' | 'model' | 'mode';
  rows: KeyUsageRow[];
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
