import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiOperation, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { ErrorCode } from '../../common/service-error.js';
import { errorResponses } from '../error-responses.js';
import { BatchAcceptedAnswerDto } from '../generate-descriptions.dto.js';
import { ACCEPTED_EXAMPLE, ERROR_EXAMPLES, type ErrorExample } from '../generate-descriptions.examples.js';
import { DryRunDto, RetryRequestDto } from './retry.dto.js';

const DESCRIPTION = `Makes a new job of lots that failed in a job that has ended: all of them, or those with some codes, or some lots. The old job stays as it is.

Languages, options, metadata, webhooks (the job’s and the lots’) and the versions of glossaries are those of the old job. \`max_cost_usd\` is copied too and holds for the new job alone. A synchronous job’s lot is retried as a batch.

A lot that a retry has in hand or has described is not taken again; once that retry has ended without describing it, it may be. A retry can itself be retried. The limits of batches hold.`;

const NEW_JOB_ID = '0190163d-8694-739b-aea5-966c26f8ad92';

const ACCEPTED = {
  ...ACCEPTED_EXAMPLE,
  job_id: NEW_JOB_ID,
  estimated_cost_usd: 0.031,
  retry_of: ACCEPTED_EXAMPLE.job_id,
} satisfies BatchAcceptedAnswerDto;
const DRY_RUN = { lots: 3, estimated_cost_usd: 0.0465, warnings: [] } satisfies DryRunDto;

const REQUEST_BODY = {
  required: false,
  description: 'Which lots; without a body all that failed.',
  content: {
    'application/json': {
      schema: { $ref: getSchemaPath(RetryRequestDto) },
      examples: {
        'what would it be?': { value: { dry_run: true } },
        'all failed lots': { value: {} },
        'some codes': { value: { codes: ['OPENAI_API_ERROR', 'DEADLINE_EXCEEDED'] } },
        'some lots': { value: { lot_ids: ['11-12345', '11-12346'] } },
        'lots of a cancelled job': { value: { codes: ['CANCELLED'] } },
      },
    },
  },
};

const { INVALID_JSON, REQUEST_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED, COST_LIMIT_EXCEEDED, TOO_MANY_ACTIVE_JOBS } =
  ERROR_EXAMPLES;

const REFUSALS: Partial<Record<ErrorCode, ErrorExample>> = {
  INVALID_JSON,
  VALIDATION_FAILED: {
    message: 'Some values are not valid; details lists each field with its rule.',
    details: { fields: [{ path: 'lot_ids', rule: 'must be a list of at least one lot_id' }], count: 1 },
  },
  JOB_NOT_FOUND: { message: 'This key has no job with this job_id; GET /api/v1/batch-jobs lists those it has.' },
  LOT_NOT_FOUND: { message: 'This job has no lot with this lot_id.', details: { lot_ids: ['11-12347'] } },
  JOB_NOT_FINISHED: {
    message: 'The job is processing. Its failed lots can be retried once it has ended; it can be cancelled.',
    members: { status: 'processing' },
  },
  REQUEST_IN_PROGRESS,
  NOTHING_TO_RETRY: {
    message: `Lots chosen: 3. A retry has them in hand or has described them: job ${NEW_JOB_ID}.`,
    details: { codes: { OPENAI_API_ERROR: 3 }, lots_in_other_retries: 3, retried_by: [NEW_JOB_ID] },
  },
  COST_LIMIT_EXCEEDED,
  IDEMPOTENCY_KEY_REUSED,
  RATE_LIMITED: { message: 'At most 10 batch requests a minute; wait for the seconds in Retry-After.' },
  TOO_MANY_ACTIVE_JOBS,
};

/** What the OpenAPI document says of POST /api/v1/batch-jobs/{job_id}/retry. */
export function ApiRetry(): MethodDecorator {
  return applyDecorators(
    ApiOperation({
      operationId: 'retryBatchJob',
      summary: 'Try failed lots of an ended job once more',
      description: DESCRIPTION,
      requestBody: REQUEST_BODY,
    }),
    ApiExtraModels(RetryRequestDto),
    ApiHeader({
      name: 'Idempotency-Key',
      schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
      required: false,
      description: 'A repeat with the same key and body within 24 hours gets the same job and makes no other.',
    }),
    ApiResponse({
      status: 200,
      type: DryRunDto,
      example: DRY_RUN,
      description: 'With dry_run: what a retry would be.',
    }),
    ApiResponse({
      status: 201,
      type: BatchAcceptedAnswerDto,
      example: ACCEPTED,
      description: 'The retry is accepted as a batch; Location is where to follow it.',
      headers: { Location: { description: 'The status of the new job.', schema: { type: 'string' } } },
    }),
    ...errorResponses(REFUSALS).map((options) => ApiResponse(options)),
  );
}
