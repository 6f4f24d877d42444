import type { DeliveryStatus } from '../webhook/webhook.entities.js';
import type { JobMode, JobStage, JobStatus, ModelStage } from '../jobs/states.js';

export type ProcessingMode = 'synchronous' | 'batch';

export function processingMode(mode: JobMode): ProcessingMode {
  return mode === 'sync' ? 'synchronous' : 'batch';
}

export class ProgressDto {
  total_lots: number;
  /** Lots completed with their languages. */
  processed_lots: number;
  failed_lots: number;
  /** 100 × (processed + failed) / total, at most two decimals. */
  completion_percentage: number;
  /** RFC 3339, UTC, after the pace of the lots that were completed; null without one, and once the job has ended. */
  estimated_completion: string | null;
}

export class StatusProgressDto extends ProgressDto {
  /** How much of the work is done in all stages, OpenAI's own counts included; it only rises, to 100 at the job's end. */
  work_percentage: number;
}

export class ProcessingDetailsDto {
  /** The latest vision batch at OpenAI. */
  openai_vision_batch_id: string | null;
  /** The latest translation batch at OpenAI. */
  openai_translation_batch_id: string | null;
  /** image_check, vision_analysis, translation, finishing or done. */
  current_stage: JobStage;
}

/** How many of the job's lots are in each stage; the sum is total_lots. */
export class StagesDto {
  image_check: number;
  vision_analysis: number;
  translation: number;
  completed: number;
  failed: number;
  /** Lots without a result of a cancelled job. */
  cancelled: number;
}

export class OpenAiRequestCountsDto {
  total: number;
  completed: number;
  failed: number;
}

/** One OpenAI batch, or one that is still being prepared. */
export class OpenAiBatchDto {
  /** vision or translation. */
  stage: ModelStage;
  /** OpenAI's id; null until it has been created. */
  batch_id: string | null;
  /** checking_photos, queued, submitting, watching, taking_in, direct, paused, done or cancelled. */
  status: string;
  /** OpenAI's own status of the batch. */
  openai_status: string | null;
  model: string;
  /** 0 for the first try of its lots. */
  attempt: number;
  /** How many positions its range of lots spans. */
  lots: number;
  request_counts: OpenAiRequestCountsDto;
  /** Why it waits or ended, where there is a reason. */
  reason: string | null;
  submitted_at: string | null;
  finished_at: string | null;
}

/** Tokens and cost of one stage on one model. */
export class UsageEntryDto {
  stage: ModelStage;
  model: string;
  calls: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  /** USD. */
  cost_usd: number;
}

export class UsageDto {
  /** USD, so far. */
  cost_usd: number;
  /** USD, estimated when the job was accepted. */
  estimated_cost_usd: number | null;
  by_stage: UsageEntryDto[];
}

/** The job's webhook deliveries by state. */
export class WebhookCountsDto implements Record<DeliveryStatus, number> {
  pending: number;
  in_flight: number;
  delivered: number;
  failed: number;
  superseded: number;
}

/** Where a job stands. */
export class JobStatusDto {
  job_id: string;
  /** pending, processing, translating, completed, failed or cancelled. */
  status: JobStatus;
  /** synchronous or batch. */
  processing_mode: ProcessingMode;
  created_at: string;
  updated_at: string;
  completed_at: string | null;
  cancelled_at: string | null;
  progress: StatusProgressDto;
  /** As sent, in the order of the request. */
  languages: string[];
  processing_details: ProcessingDetailsDto;
  stages: StagesDto;
  openai_batches: OpenAiBatchDto[];
  usage: UsageDto;
  /** Why the job as a whole failed. */
  error_message: string | null;
  error_code: string | null;
  webhook_configured: boolean;
  webhooks: WebhookCountsDto;
  /** Echoed from the request. */
  metadata: Record<string, string>;
}
