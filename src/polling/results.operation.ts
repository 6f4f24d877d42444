import { applyDecorators, HttpStatus } from '@nestjs/common';
import { ApiExtraModels, ApiOperation, ApiResponse, getSchemaPath, type ApiOperationOptions } from '@nestjs/swagger';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { JobResultsDto, JobRunningDto } from './results.dto.js';

type ContentObject = Record<string, { schema: { $ref: string } | { type: 'string' } }>;

export interface ResultsOperationOptions extends Pick<ApiOperationOptions, 'operationId' | 'summary' | 'description'> {
  /** Media types, the default first. */
  readonly produces: readonly string[];
  /** What the 200 holds. */
  readonly whole: string;
}

const HEADERS = {
  'X-Next-Cursor': {
    description: 'With `limit`, while there are more lots: what to send as `after` for the next page.',
    schema: { type: 'string' as const },
  },
  'X-Results-Revision': {
    description:
      'Which writing of the texts this is; it rises when the texts of the job are written anew. The pages behind a cursor keep it. ' +
      'Where `after` is a lot_id, another number than before says that what you have is of an earlier writing.',
    schema: { type: 'integer' as const },
  },
};

/** What the two routes for a job's results share: who may ask, and the answers while there are no results. */
export function ResultsOperation({ produces, whole, ...operation }: ResultsOperationOptions): MethodDecorator {
  return applyDecorators(
    SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' }),
    ApiOperation(operation),
    ApiExtraModels(JobResultsDto),
    ApiResponse({ status: HttpStatus.OK, description: whole, content: contentOf(produces), headers: HEADERS }),
    ApiResponse({ status: HttpStatus.ACCEPTED, type: JobRunningDto, description: 'The job is still running.' }),
    ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED' }),
    ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND, LOT_NOT_FOUND' }),
  );
}

/**
 * JSON has a schema. The other formats have a line or a row for each lot; OpenAPI 3.0 can only describe them as text.
 */
function contentOf(types: readonly string[]): ContentObject {
  const text = { schema: { type: 'string' as const } };
  const json = { schema: { $ref: getSchemaPath(JobResultsDto) } };
  return Object.fromEntries(types.map((type) => [type, type === 'application/json' ? json : text]));
}
