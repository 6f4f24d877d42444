import { IsIn, IsOptional, IsString } from 'class-validator';
import type { JobStatus, LotStatus } from '../jobs/states.js';
import { ProgressDto } from './status.dto.js';

export class ResultsQuery {
  /** true: the lots that have ended so far, without waiting for the job's end. */
  @IsOptional()
  @IsIn(['true', 'false'])
  partial?: 'true' | 'false';

  /** Only this lot. */
  @IsOptional()
  @IsString()
  lot_id?: string;
}

export class DownloadQuery extends ResultsQuery {
  /** json if absent. */
  @IsOptional()
  @IsIn(['json', 'ndjson', 'csv'])
  format?: 'json' | 'ndjson' | 'csv';
}

export class DescriptionDto {
  /** The tag as sent. */
  language: string;
  /** HTML of `<p>`, `<ul>`, `<li>` and escaped text, without attributes. */
  damages: string;
  /** Present and true where `damages` is the English text, because no translation came. */
  fallback?: boolean;
}

export class LotErrorDto {
  /** IMAGE_UNREACHABLE, NO_IMAGES, REFUSED, OPENAI_API_ERROR, COST_LIMIT_EXCEEDED, DEADLINE_EXCEEDED, INTERRUPTED … */
  code: string;
  message: string;
}

/** One lot as clients read it. */
export class LotResultDto {
  lot_id: string;
  /** pending, processing, translating, completed, failed or cancelled. */
  status: LotStatus;
  processed_at: string | null;
  processed_images: number;
  /** In the order of the request's languages; empty unless completed. */
  descriptions: DescriptionDto[];
  /** The unreachable photos' URLs. */
  missing_images: string[];
  /** The languages that carry the English text. */
  pending_languages: string[];
  /** With `include: ["assessment"]`: the structured findings. */
  assessment?: Record<string, unknown>;
  /** With `include: ["usage"]`: tokens and cost of each model call that made this lot. */
  usage?: Record<string, unknown>[];
  error?: LotErrorDto;
}

export class ProcessingSummaryDto {
  total_lots: number;
  processed_lots: number;
  failed_lots: number;
  total_images_processed: number;
  /** Seconds from acceptance to the end, or so far. */
  total_processing_time: number;
}

export class ResultsContentDto {
  /** Always "1.0.0". */
  version: string;
  lots: LotResultDto[];
}

/** A job's results. */
export class JobResultsDto {
  job_id: string;
  status: JobStatus;
  /** null unless the job has completed or failed. */
  completed_at: string | null;
  cancelled_at: string | null;
  processing_summary: ProcessingSummaryDto;
  /** Echoed from the request. */
  metadata: Record<string, string>;
  results: ResultsContentDto;
}

/** What is answered while the job runs. */
export class JobRunningDto {
  /** Always "Job not completed". */
  error: string;
  job_id: string;
  status: JobStatus;
  progress: ProgressDto;
  message: string;
}
