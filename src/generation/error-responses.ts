import { getSchemaPath, type ApiResponseOptions } from '@nestjs/swagger';
import { ErrorDto } from '../common/error.dto.js';
import { ERROR_CODES, type ErrorCode } from '../common/service-error.js';
import type { ErrorExample } from './generate-descriptions.examples.js';

/** One response for each HTTP status, with an example for each of its codes. */
export function errorResponses(examples: Partial<Record<ErrorCode, ErrorExample>>): ApiResponseOptions[] {
  const byStatus = new Map<number, [ErrorCode, ErrorExample][]>();
  for (const [code, example] of Object.entries(examples) as [ErrorCode, ErrorExample][]) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), [code, example]]);
  }
  return [...byStatus].map(([status, codes]) => ({
    status,
    description: codes.map(([code]) => code).join(', '),
    content: {
      'application/json': {
        schema: { $ref: getSchemaPath(ErrorDto) },
        examples: Object.fromEntries(codes.map(([code, example]) => [code, { value: errorBody(code, example) }])),
      },
    },
  }));
}

function errorBody(code: ErrorCode, { message, details, members }: ErrorExample): ErrorDto {
  return {
    ...members,
    error: ERROR_CODES[code].error,
    message,
    code,
    details: details ?? {},
    request_id: '0190163d-8694-739b-aea5-966c26f8ad91',
  };
}
