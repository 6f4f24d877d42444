import { expect } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/common/service-error.js';
import type { JsonObject } from 'openai-sandbox';
import type { Answer, TestService } from '../support/service.js';

/**
 * The statuses of the contract's table. They are written again here, because the service's own table cannot prove
 * itself.
 */
const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID_JSON: 400,
  VALIDATION_FAILED: 400,
  UNSUPPORTED_VERSION: 400,
  TOO_MANY_IMAGES: 400,
  IMAGE_UNREACHABLE: 400,
  MISSING_SIGNATURE: 401,
  INVALID_SIGNATURE: 403,
  NOT_FOUND: 404,
  JOB_NOT_FOUND: 404,
  LOT_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  DUPLICATE_LOT_ID: 409,
  JOB_CANCELLED: 409,
  JOB_NOT_FINISHED: 409,
  REQUEST_IN_PROGRESS: 409,
  BATCH_SIZE_EXCEEDED: 413,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  INVALID_IMAGE_URLS: 422,
  INVALID_WEBHOOK_URL: 422,
  UNSUPPORTED_LANGUAGE: 422,
  IDEMPOTENCY_KEY_REUSED: 422,
  COST_LIMIT_EXCEEDED: 422,
  NOTHING_TO_RETRY: 422,
  RATE_LIMITED: 429,
  TOO_MANY_ACTIVE_JOBS: 429,
  OPENAI_API_ERROR: 502,
  SERVICE_UNAVAILABLE: 503,
  OPENAI_TIMEOUT: 504,
};

/** Asserts the whole shape of a refused request's answer. */
export function expectRefusal(answer: Answer, code: ErrorCode, members: JsonObject = {}): void {
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status: STATUS[code], code });
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('private, no-store');
  const requestId = answer.headers.get('x-request-id');
  expect(requestId).toMatch(/^[\w.-]{1,64}$/);
  expect(answer.body).toEqual({
    error: ERROR_CODES[code].error,
    message: expect.stringMatching(/^(?:[A-Z]|lots\[)/) as string,
    code,
    details: expect.any(Object) as object,
    request_id: requestId,
    ...members,
  });
  expect(JSON.stringify(answer.body)).not.toMatch(/\bat [\w.]+ \(|node_modules|\.ts\b|\.js\b|select |insert |pg_/);
}

/** Sends a request that must be refused, and asserts that nothing was written and no model was asked. */
export async function refused(
  service: TestService,
  send: () => Promise<Answer>,
  code: ErrorCode,
  members: JsonObject = {},
): Promise<JsonObject> {
  const before = await service.rowCounts();
  const answer = await send();
  expectRefusal(answer, code, members);
  expect(await service.rowCounts()).toEqual(before);
  expect(await service.calls()).toEqual([]);
  return answer.body;
}

/** The paths that a VALIDATION_FAILED names. */
export function pathsOf(body: JsonObject): unknown[] {
  const { fields } = body['details'] as { fields: JsonObject[] };
  for (const { rule } of fields) expect(rule).toEqual(expect.any(String));
  return fields.map(({ path }) => path);
}
