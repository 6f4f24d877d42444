import { APIConnectionError, APIError } from 'openai';
import { classifyFailure } from './classify.js';
import { OpenAiError } from './errors.js';
import { isRecord } from './json-values.js';
import { requestIdOf } from './request-headers.js';
import { statedWait } from './stated-wait.js';
import { readUpstreamError } from './upstream-error.js';

/**
 * Turns any value thrown during a request into an {@link OpenAiError}. It is then not known how far the request got.
 */
export function toOpenAiError(thrown: unknown, now: number): OpenAiError {
  if (thrown instanceof OpenAiError) return thrown;
  if (thrown instanceof APIError && thrown.status !== undefined) return fromStatusError(thrown, now);
  if (thrown instanceof APIConnectionError || isConnectionTrouble(thrown)) {
    return new OpenAiError({ kind: 'connection', retryable: true, code: causeCode(thrown), cause: thrown });
  }
  if (thrown instanceof SyntaxError || isGarbled(thrown)) return brokenBody({ cause: thrown });
  // A fault of our own: sending the same again would repeat it, and it must not open OpenAI's circuit.
  return new OpenAiError({ kind: 'rejected', retryable: false, cause: thrown });
}

/** An answer that began and could not be read, or was not what the API promises. */
export function brokenBody(facts: {
  requestId?: string | undefined;
  status?: number;
  cause?: unknown;
  upstreamMessage?: string;
}): OpenAiError {
  return new OpenAiError({ kind: 'broken_body', retryable: true, ...facts });
}

/**
 * The failure inside a 200: a response whose status is neither `completed` nor `incomplete`, or that carries an error.
 * @param body - a Response object, from a call or from a line of a batch's output
 * @returns undefined when the response succeeded or is incomplete, which the caller judges by its reason
 */
export function failureOfResponse(body: unknown, requestId?: string): OpenAiError | undefined {
  if (!isRecord(body)) return brokenBody({ requestId, status: 200 });
  const error = errorIn(body);
  // Compatible servers leave out the status of an answer.
  const status = body['status'] ?? (Array.isArray(body['output']) ? 'completed' : undefined);
  if (error === undefined && (status === 'completed' || status === 'incomplete')) {
    return Array.isArray(body['output']) ? undefined : brokenBody({ requestId, status: 200 });
  }
  if (error === undefined && status !== 'failed' && status !== 'cancelled') {
    return brokenBody({ requestId, status: 200 });
  }
  const facts = error ?? { code: 'server_error' };
  const { kind, retryable } = classifyFailure(facts);
  return new OpenAiError({
    kind,
    retryable,
    status: 200,
    code: facts.code,
    param: error?.param,
    requestId,
    upstreamMessage: error?.message,
    usage: body['usage'],
  });
}

/** The error in a body; undefined when it is null or an empty object, as some gateways send. */
function errorIn(body: Readonly<Record<string, unknown>>) {
  const given = body['error'];
  if (!isRecord(given) && (typeof given !== 'string' || given.trim() === '')) return undefined;
  const error = readUpstreamError({ error: given });
  const silent = error.code === undefined && error.message === undefined && error.type === undefined;
  return silent ? undefined : error;
}

function fromStatusError(thrown: APIError, now: number): OpenAiError {
  const headers = thrown.headers as Headers | undefined;
  const { code, type, param, message } = readUpstreamError({ error: thrown.error });
  const status = thrown.status as number;
  const wish = headers?.get('x-should-retry');
  const shouldRetry = wish === 'true' ? true : wish === 'false' ? false : undefined;
  const { kind, retryable } = classifyFailure({
    status,
    code,
    param,
    message,
    type,
    shouldRetry,
  });
  const wait = statedWait(headers, now, { status, message });
  return new OpenAiError({
    kind,
    retryable,
    status,
    code,
    param,
    requestId: headers === undefined ? undefined : requestIdOf(headers),
    retryAfterMs: wait?.ms,
    softWait: wait?.soft,
    upstreamMessage: message,
    // A 408 may come from a proxy that has already passed the request on. A 501 means that no server here could have
    // accepted it.
    outcomeUnknown: status < 400 || (status >= 500 && status !== 501) || status === 408,
    cause: thrown,
  });
}

/**
 * A broken connection that the SDK did not report itself: fetch's "TypeError: terminated", a code of Node's or
 * undici's.
 */
function isConnectionTrouble(thrown: unknown): boolean {
  if (thrown instanceof TypeError && /^(terminated|fetch failed)$/.test(thrown.message)) return true;
  return causeCode(thrown) !== undefined;
}

/** Bytes that do not match `content-encoding`. */
function isGarbled(thrown: unknown): boolean {
  const code = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^(?:Z_|ERR_BROTLI|ERR__ERROR_FORMAT)/.test(code);
}

/** Node's or undici's code (ECONNRESET, UND_ERR_CONNECT_TIMEOUT …) of an error or of what caused it. */
function causeCode(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && /^(E[A-Z_]+|UND_ERR_\w+)$/.test(code)) return code;
  }
  return undefined;
}
