import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiResponse,
  getSchemaPath,
  type ApiResponseOptions,
} from '@nestjs/swagger';
import { errorResponses } from './error-responses.js';
import {
  BatchAcceptedAnswerDto,
  GenerateDescriptionsRequestDto,
  HandedOverAnswerDto,
  SynchronousAnswerDto,
} from './generate-descriptions.dto.js';
import {
  ACCEPTED_EXAMPLE,
  DESCRIBED_EXAMPLE,
  ERROR_EXAMPLES,
  HANDED_OVER_EXAMPLE,
  NDJSON_EXAMPLE,
  REQUEST_EXAMPLES,
} from './generate-descriptions.examples.js';

const DESCRIPTION = `One lot with at most 20 photos is described at once (200), or answered with 202 when that takes too long; the work then continues as a job.
Everything else, and every request with \`mode: "batch"\`, becomes a job (201) that runs at half the price.

Large jobs may come as \`application/x-ndjson\`: the first line is the request without \`lots\`, each further line a lot.
\`gzip\` and \`br\` are accepted; the signature is over the decoded bytes.`;

const LOCATION = { Location: { description: 'The status of the job.', schema: { type: 'string' as const } } };
const RETRY_AFTER = { 'Retry-After': { $ref: '#/components/headers/Retry-After' } };

/** One schema for the request as JSON; a line each of NDJSON has none that OpenAPI 3.0 could name. */
const REQUEST_BODY = {
  required: true,
  description:
    'The request; or, as NDJSON (signed by X-Timestamp alone), the request without lots and then a lot a line.',
  content: {
    'application/json': {
      schema: { $ref: getSchemaPath(GenerateDescriptionsRequestDto) },
      examples: REQUEST_EXAMPLES,
    },
    'application/x-ndjson': { schema: { type: 'string' as const }, example: NDJSON_EXAMPLE },
  },
};

/** What the OpenAPI document says of POST /api/v1/generate-descriptions. */
export function ApiGenerateDescriptions(): MethodDecorator {
  return applyDecorators(
    ApiOperation({
      operationId: 'generateDescriptions',
      summary: 'Describe the damage of one lot, or of 50,000',
      description: DESCRIPTION,
      requestBody: REQUEST_BODY,
    }),
    ApiExtraModels(GenerateDescriptionsRequestDto),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
      description:
        '1 to 255 visible ASCII characters. For 24 h a repeat with the same body gets the first answer again.',
    }),
    ApiHeader({ name: 'Prefer', required: false, description: 'respond-async: as a batch, whatever the size.' }),
    ApiExtraModels(GenerateDescriptionsRequestDto),
    ApiResponse({
      status: 200,
      type: SynchronousAnswerDto,
      example: DESCRIBED_EXAMPLE,
      description: 'The lot is described. No webhook is sent.',
    }),
    ApiResponse({
      status: 201,
      type: BatchAcceptedAnswerDto,
      example: ACCEPTED_EXAMPLE,
      description: 'A batch has been accepted; Location is where to follow it.',
      headers: LOCATION,
    }),
    ApiResponse({
      status: 202,
      type: HandedOverAnswerDto,
      example: HANDED_OVER_EXAMPLE,
      description: 'Not done yet: the work continues as a job; Location is where to follow it.',
      headers: { ...LOCATION, ...RETRY_AFTER } as ApiResponseOptions['headers'] & object,
    }),
    ...errorResponses(ERROR_EXAMPLES).map((options) => ApiResponse(options)),
  );
}
