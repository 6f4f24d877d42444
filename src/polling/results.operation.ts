import { applyDecorators, HttpStatus } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, type ApiOperationOptions } from '@nestjs/swagger';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { JobResultsDto, JobRunningDto } from './results.dto.js';

export interface ResultsOperationOptions extends Pick<ApiOperationOptions, 'summary' | 'description'> {
  /** Media types, the default first. */
  readonly produces: readonly string[];
  /** What the 200 holds. */
  readonly whole: string;
}

/** What the two ways to a job's results share: who may ask, and how they are answered while there are none. */
export function ResultsOperation({ produces, whole, ...operation }: ResultsOperationOptions): MethodDecorator {
  return applyDecorators(
    SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' }),
    ApiOperation(operation),
    ApiProduces(...produces),
    ApiResponse({ status: HttpStatus.OK, type: JobResultsDto, description: whole }),
    ApiResponse({ status: HttpStatus.ACCEPTED, type: JobRunningDto, description: 'The job is still running.' }),
    ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED' }),
    ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND, LOT_NOT_FOUND' }),
  );
}
