import { APIConnectionError, APIError } from 'openai';
import { classifyFailure } from './classify.js';
import { isRecord, textOf } from './json-values.js';
import { OpenAiError } from './errors.js';

/** Any value thrown while a request was on its way, as an {@link OpenAiError}; how far it came is not known then. */
export function toOpenAiError(thrown: unknown, now: number): OpenAiError {
  if (thrown instanceof OpenAiError) return thrown;
  if (thrown instanceof APIError && thrown.status !== undefined) return fromStatusError(thrown, now);
  if (thrown instanceof APIConnectionError || isConnectionTrouble(thrown)) {
    return new OpenAiError({ kind: 'connection', retryable: true, code: causeCode(thrown), cause: thrown });
  }
  if (thrown instanceof SyntaxError) return brokenBody({ cause: thrown });
  // A fault of our own: sending the same again would only repeat it, and OpenAI's circuit must not open for it.
  return new OpenAiError({ kind: 'rejected', retryable: false, cause: thrown });
}

/** An answer that began and could not be read, or was not what the API promises. */
export function brokenBody(facts: { requestId?: string | undefined; status?: number; cause?: unknown }): OpenAiError {
  return new OpenAiError({ kind: 'broken_body', retryable: true, ...facts });
}

/**
 * The failure inside a 200: a response whose status is neither `completed` nor `incomplete`, or that carries an error.
 * @param body - a Response object, from a call or from a line of a batch's output
 * @returns undefined when the response succeeded or is incomplete, which the caller judges by its reason
 */
export function failureOfResponse(body: unknown, requestId?: string): OpenAiError | undefined {
  if (!isRecord(body)) return brokenBody({ requestId, status: 200 });
  const error = isRecord(body['error']) ? body['error'] : undefined;
  if (error === undefined && (body['status'] === 'completed' || body['status'] === 'incomplete')) {
    return Array.isArray(body['output']) ? undefined : brokenBody({ requestId, status: 200 });
  }
  if (error === undefined && body['status'] !== 'failed' && body['status'] !== 'cancelled') {
    return brokenBody({ requestId, status: 200 });
  }
  const code = textOf(error?.['code']) ?? (error === undefined ? 'server_error' : undefined);
  const message = textOf(error?.['message']);
  const param = textOf(error?.['param']);
  const { kind, retryable } = classifyFailure({ code, message, param, type: textOf(error?.['type']) });
  return new OpenAiError({
    kind,
    retryable,
    status: 200,
    code,
    param,
    requestId,
    upstreamMessage: message,
    usage: body['usage'],
  });
}

/** Milliseconds that `retry-after-ms` or `retry-after` (seconds or a date) ask for; undefined when neither is usable. */
export function retryAfterMs(headers: Headers | undefined, now: number): number | undefined {
  const milliseconds = finite(headers?.get('retry-after-ms'));
  if (milliseconds !== undefined) return Math.max(0, milliseconds);
  const text = headers?.get('retry-after');
  const seconds = finite(text);
  if (seconds !== undefined) return Math.max(0, seconds * 1000);
  const date = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function finite(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function fromStatusError(thrown: APIError, now: number): OpenAiError {
  const headers = thrown.headers as Headers | undefined;
  const body = isRecord(thrown.error) ? thrown.error : {};
  const status = thrown.status as number;
  const code = textOf(body['code']);
  const param = textOf(body['param']);
  const message = textOf(body['message']);
  const wish = headers?.get('x-should-retry');
  const shouldRetry = wish === 'true' ? true : wish === 'false' ? false : undefined;
  const { kind, retryable } = classifyFailure({
    status,
    code,
    param,
    message,
    type: textOf(body['type']),
    shouldRetry,
  });
  return new OpenAiError({
    kind,
    retryable,
    status,
    code,
    param,
    requestId: textOf(thrown.requestID),
    retryAfterMs: retryAfterMs(headers, now),
    upstreamMessage: message,
    // A 408 comes from whatever stands between, which may have passed the request on.
    outcomeUnknown: status < 400 || status >= 500 || status === 408,
    cause: thrown,
  });
}

/** A broken connection that it was not the SDK to notice: fetch's "TypeError: terminated", a code of Node's or undici's. */
function isConnectionTrouble(thrown: unknown): boolean {
  if (thrown instanceof TypeError && /^(terminated|fetch failed)$/.test(thrown.message)) return true;
  return causeCode(thrown) !== undefined;
}

/** Node's or undici's code (ECONNRESET, UND_ERR_CONNECT_TIMEOUT …) of an error or of what caused it. */
function causeCode(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && /^(E[A-Z_]+|UND_ERR_\w+)$/.test(code)) return code;
  }
  return undefined;
}
