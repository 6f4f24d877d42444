import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Min } from 'class-validator';
import { toList } from '../common/input-pipe.js';
import { CANCELLED_CODE } from '../jobs/job-failures.js';
import { LOT_ERROR_CODES, type LotErrorCode } from '../jobs/lot-error-code.js';
import { LotResultDto } from '../jobs/lot-result.dto.js';
import type { JobStatus } from '../jobs/states.js';
import { ProgressDto } from './status.dto.js';

const LOT_END_STATUSES = ['completed', 'failed', 'cancelled'] as const;
const CODES = [...LOT_ERROR_CODES, CANCELLED_CODE] as const;

/** Every member that is sent must fit a lot. */
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

  /** Only lots with this status; for several: `status[]=…&status[]=…`. */
  @ApiPropertyOptional({ enum: LOT_END_STATUSES, isArray: false })
  @IsOptional()
  @Transform(toList)
  @IsIn(LOT_END_STATUSES, { each: true })
  status?: (typeof LOT_END_STATUSES)[number][];

  /** Only lots that failed with this code, as `errors` of the status lists them; for several: `code[]=…&code[]=…`. */
  @ApiPropertyOptional({ enum: CODES, isArray: false })
  @IsOptional()
  @Transform(toList)
  @IsIn(CODES, { each: true })
  code?: (LotErrorCode | typeof CANCELLED_CODE)[];

  /**
   * Only lots whose `needs_review.value` is this. Lots that were described before lots had this member fit neither.
   */
  @IsOptional()
  @IsIn(['true', 'false'])
  needs_review?: 'true' | 'false';

  /**
   * Only lots behind this one, in the order of the request: the lot_id of the last whole lot that you received, to go on
   * after a cut; or the next cursor of a page made with `limit`. Send the rest of the query as it was.
   */
  @IsOptional()
  @IsString()
  after?: string;

  /**
   * A page of at most this many lots; all if absent, above 10,000 it is 10,000. While there are more, `next_cursor` (JSON)
   * and the header X-Next-Cursor (every format) have what to send as `after`.
   */
  @ApiPropertyOptional({ minimum: 1 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  limit?: number;
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
  /** With `limit`: what to send as `after` for the next page; null on the last one. Absent without `limit`. */
  next_cursor?: string | null;
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
