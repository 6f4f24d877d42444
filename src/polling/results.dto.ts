import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { toList } from '../common/input-pipe.js';
import { LotResultDto } from '../jobs/lot-result.dto.js';
import type { JobStatus } from '../jobs/states.js';
import { ProgressDto } from './status.dto.js';

export class ResultsQuery {
  /** true: return the lots that have ended so far, even if the job has not ended. */
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
  /** Lots of the job. */
  total_lots: number;
  /** Lots completed with their languages. */
  processed_lots: number;
  /** Lots that failed. */
  failed_lots: number;
  /** Photos that the model was shown. */
  total_images_processed: number;
  /** Seconds from acceptance to the end, or until now. */
  total_processing_time: number;
}

export class ResultsContentDto {
  /** Always "1.0.0". */
  version: '1.0.0';
  /** The lots, in the order of the request. */
  lots: LotResultDto[];
}

/** A job's results. */
export class JobResultsDto {
  /** The job that was asked for. */
  job_id: string;
  /** Where the job stands. */
  status: JobStatus;
  /** null unless the job has completed or failed. */
  completed_at: string | null;
  /** When it was cancelled; null otherwise. */
  cancelled_at: string | null;
  /** Totals of the whole job. */
  processing_summary: ProcessingSummaryDto;
  /** Echoed from the request. */
  metadata: Record<string, string>;
  /** The job whose lots this one tries once more; absent otherwise. */
  retry_of?: string;
  /** The lots. */
  results: ResultsContentDto;
}

/** What is answered while the job runs. */
export class JobRunningDto {
  /** Always "Job not completed". */
  error: string;
  /** The job that was asked for. */
  job_id: string;
  /** Where the job stands; it has not ended. */
  status: JobStatus;
  /** How far it has come. */
  progress: ProgressDto;
  /** What to do, for people. */
  message: string;
}
