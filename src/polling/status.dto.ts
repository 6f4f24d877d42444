import type { DeliveryStatus } from '../webhook/delivery-states.js';
import { PauseDto } from './pause.dto.js';
import type { JobMode, JobStage, JobStatus, ModelStage } from '../jobs/states.js';

export type ProcessingMode = 'synchronous' | 'batch';

export function processingMode(mode: JobMode): ProcessingMode {
  return mode === 'sync' ? 'synchronous' : 'batch';
}

export class ProgressDto {
  /** Lots of the job. */
  total_lots: number;
  /** Lots completed with their languages. */
  processed_lots: number;
  /** Lots that failed. */
  failed_lots: number;
  /** 100 × (processed + failed) / total, at most two decimals. */
  completion_percentage: number;
  /**
   * RFC 3339, UTC, estimated from the pace of the completed lots; null without an estimate, and after the job has
   * ended.
   */
  estimated_completion: string | null;
}

export class StatusProgressDto extends ProgressDto {
  /**
   * The share of the work that is done in all stages, OpenAI's own counts included. It never falls and is 100 at the
   * job's end.
   */
  work_percentage: number;
}

export class ProcessingDetailsDto {
  /** The latest vision batch at OpenAI. */
  openai_vision_batch_id: string | null;
  /** The latest batch at OpenAI that translates notes; null without notes. */
  openai_translation_batch_id: string | null;
  /** image_check, vision_analysis, translation, finishing or done. */
  current_stage: JobStage;
}

/** How many of the job's lots are in each stage; the sum is total_lots. */
export class StagesDto {
  /** Lots whose photos are still to be checked. */
  image_check: number;
  /** Lots that the model has yet to look at. */
  vision_analysis: number;
  /** Described lots that wait for translated notes, or for the glossary of a language. */
  translation: number;
  /** Lots completed with their languages. */
  completed: number;
  /** Lots that failed. */
  failed: number;
  /** Lots of a cancelled job that have no result. */
  cancelled: number;
}

export class OpenAiRequestCountsDto {
  /** Requests in the batch. */
  total: number;
  /** Requests that succeeded so far. */
  completed: number;
  /** Requests that failed so far. */
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
  /** The model that is asked. */
  model: string;
  /** 0 for the first try of its lots. */
  attempt: number;
  /** The number of positions in its range of lots. */
  lots: number;
  /** OpenAI's counts of the batch. */
  request_counts: OpenAiRequestCountsDto;
  /** Why it waits or ended, if there is a reason. */
  reason: string | null;
  /** When OpenAI took it; null before. */
  submitted_at: string | null;
  /** When it ended at OpenAI; null before. */
  finished_at: string | null;
}

/** Tokens and cost of one stage on one model. */
export class UsageEntryDto {
  /** vision or translation. */
  stage: ModelStage;
  /** The model that was asked. */
  model: string;
  /** Requests that were answered. */
  calls: number;
  /** Tokens sent, photos included. */
  input_tokens: number;
  /** Of these, tokens that OpenAI had cached. */
  cached_input_tokens: number;
  /** Tokens of the answers, reasoning included. */
  output_tokens: number;
  /** Of these, tokens of reasoning. */
  reasoning_tokens: number;
  /** USD. */
  cost_usd: number;
}

export class UsageDto {
  /** USD, so far. */
  cost_usd: number;
  /** USD, estimated when the job was accepted. */
  estimated_cost_usd: number | null;
  /** The same by stage and model. */
  by_stage: UsageEntryDto[];
}

/** The job's webhook deliveries by state. */
export class WebhookCountsDto implements Record<DeliveryStatus, number> {
  /** Waiting for their next attempt. */
  pending: number;
  /** Being sent. */
  in_flight: number;
  /** Answered with a 2xx. */
  delivered: number;
  /** Given up. */
  failed: number;
  /** Progress that was replaced by a later event. */
  superseded: number;
}

/** The lots of a job that ended without a description for one reason. */
export class ErrorCountDto {
  /** The code in the `error` of these lots; CANCELLED for lots of a cancelled job that have no result. */
  code: string;
  /** How many lots have it. */
  lots: number;
  /** When the first of them failed. */
  first: string;
  /** When the last of them failed. */
  last: string;
}

/** Where a job stands. */
export class JobStatusDto {
  /** The job that was asked for. */
  job_id: string;
  /** Where the job stands. */
  status: JobStatus;
  /** synchronous or batch. */
  processing_mode: ProcessingMode;
  /** When it was accepted. */
  created_at: string;
  /** When it last changed. */
  updated_at: string;
  /** When it completed or failed; null before. */
  completed_at: string | null;
  /** When it was cancelled; null otherwise. */
  cancelled_at: string | null;
  /** Whether it is paused: nothing of it begins until it is resumed. */
  paused: boolean;
  /** Since when and by whom it is paused; absent for a job that is not. */
  pause?: PauseDto;
  /** The job's progress. */
  progress: StatusProgressDto;
  /** As sent, in the order of the request. */
  languages: string[];
  /** The latest OpenAI batches, and the stage. */
  processing_details: ProcessingDetailsDto;
  /** How many lots are in each stage. */
  stages: StagesDto;
  /** Each OpenAI batch, in the order in which they were submitted. */
  openai_batches: OpenAiBatchDto[];
  /** What the job has cost. */
  usage: UsageDto;
  /** Why the job as a whole failed. */
  error_message: string | null;
  /** The stable code of why the job as a whole failed. */
  error_code: string | null;
  /**
   * The job's lots without a description, by code, most lots first. Results can be asked for by the same codes
   * (`?code=`). Lots that failed in a version before this member may be missing here.
   */
  errors: ErrorCountDto[];
  /** Whether the job or some lot of it names a webhook. */
  webhook_configured: boolean;
  /** Its webhook deliveries by state. */
  webhooks: WebhookCountsDto;
  /** Echoed from the request. */
  metadata: Record<string, string>;
  /** The job whose lots this one tries once more; null for a job that lots were sent for. */
  retry_of: string | null;
  /** The jobs that try lots of this one once more, the latest first, at most 20. */
  retried_by: string[];
}
