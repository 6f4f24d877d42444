import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  Min,
  Validate,
  type ValidatorConstraintInterface,
  ValidatorConstraint,
} from 'class-validator';
import { CURSOR_PATTERN, CursorConstraint } from '../common/cursor.js';
import { toList } from '../common/input-pipe.js';
import { JOB_STATUSES, type JobMode, type JobStatus } from '../jobs/states.js';
import { parseRfc3339 } from '../common/clock.js';
import { PauseDto } from './pause.dto.js';
import { ProgressDto, type ProcessingMode } from './status.dto.js';

@ValidatorConstraint({ name: 'rfc3339' })
class Rfc3339Constraint implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'string' && parseRfc3339(value) !== null;
  }

  defaultMessage(): string {
    return 'must be a time of RFC 3339 with its offset, 2026-01-01T00:00:00Z for one';
  }
}

/** PostgreSQL's offset is a bigint, but no key has more jobs than this. */
const MAX_OFFSET = 2 ** 31 - 1;

export class ListQuery {
  /** Jobs in this state; for several states: `status[]=…&status[]=…`. */
  @ApiPropertyOptional({ enum: JOB_STATUSES, isArray: false })
  @IsOptional()
  @Transform(toList)
  @IsIn(JOB_STATUSES, { each: true })
  status?: JobStatus[];

  /** The number of jobs in a page: 10 if absent; above 100 it is 100. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  limit?: number;

  /** Jobs to skip; 0 if absent. Ignored with a cursor; a cursor is fast for any page. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(MAX_OFFSET)
  offset?: number;

  /** RFC 3339; jobs created at this moment or later. */
  @IsOptional()
  @Validate(Rfc3339Constraint)
  created_after?: string;

  /** RFC 3339; jobs created before this moment. */
  @IsOptional()
  @Validate(Rfc3339Constraint)
  created_before?: string;

  /** The next_cursor of the page before: base64url. */
  @ApiPropertyOptional({ pattern: CURSOR_PATTERN })
  @IsOptional()
  @IsString()
  @Validate(CursorConstraint)
  cursor?: string;

  /** Only jobs of this mode. If absent: batches, and synchronous jobs that were answered 202. */
  @IsOptional()
  @IsIn(['sync', 'batch'])
  mode?: JobMode;
}

/** A job in the list. */
export class JobListItemDto {
  /** The job's id. */
  id: string;
  /** The same as id. */
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
  /** Lots of the job. */
  total_lots: number;
  /** Lots completed with their languages. */
  processed_lots: number;
  /** Lots that failed. */
  failed_lots: number;
  /** The job's progress. */
  progress: ProgressDto;
  /** As sent, in the order of the request. */
  languages: string[];
  /** Why the job as a whole failed. */
  error_message: string | null;
  /** Whether the job or some lot of it names a webhook. */
  webhook_configured: boolean;
  /** Echoed from the request. */
  metadata: Record<string, string>;
  /** The job whose lots this one tries once more; null for a job that lots were sent for. */
  retry_of: string | null;
}

export class PaginationDto {
  /** The most jobs that a page has. */
  limit: number;
  /** Jobs that were skipped; 0 with a cursor. */
  offset: number;
  /** The number of all jobs that match the filters. */
  total: number;
  /** Whether there is a further page. */
  has_more: boolean;
  /** For `cursor`; null on the last page. */
  next_cursor: string | null;
}

/** A page of jobs, the latest first. */
export class JobListDto {
  /** The jobs of this page, the latest first. */
  jobs: JobListItemDto[];
  /** Where this page stands among all. */
  pagination: PaginationDto;
}
