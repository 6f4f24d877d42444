import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { toList } from '../common/query-pipe.js';
import { LotResultDto } from '../jobs/lot-result.dto.js';
import type { JobStatus } from '../jobs/states.js';
import { ProgressDto } from './status.dto.js';

export class ResultsQuery {
  /** true: the lots that have ended so far, without waiting for the job's end. */
  @IsOptional()
  @IsIn(['true', 'false'])
  partial?: 'true' | 'false';

  /** Only this lot; `lot_id[]=…&lot_id[]=…`: only these. */
  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @Transform(toList)
  @IsString({ each: true })
  lot_id?: string[];
}

export class DownloadQuery extends ResultsQuery {
  /** json if absent. */
  @IsOptional()
  @IsIn(['json', 'ndjson', 'csv'])
  format?: 'json' | 'ndjson' | 'csv';
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
