import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { allowedMethods } from './allowed-methods.js';
import { refuseUpload } from './refuse-upload.js';
import { isDatabaseAway } from './database-away.js';
import type { ErrorDto } from './error.dto.js';
import { replacementOf } from './replaced-paths.js';
import { currentRequestId } from './request-context.js';
import { ERROR_CODES, ServiceError } from './service-error.js';

/** Express's own switch for whether the API is here: a worker names no address of it that it does not serve. */
export const SERVES_API = 'generation-service api';

/** The only place where an error becomes an HTTP answer; unknown errors become a 500 that says nothing of their cause. */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(HttpErrorFilter.name);

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    answerError(ofThisPath(exception, request), request, http.getResponse<Response>(), this.logger);
  }
}

/** A path that exists for other methods is a 405 that names them; Nest itself only knows the 404. */
function ofThisPath(exception: unknown, request: Request): unknown {
  if (!(exception instanceof HttpException) || exception.getStatus() !== 404) return exception;
  const allowed = allowedMethods(request);
  if (allowed.length === 0) {
    if (request.app.disabled(SERVES_API)) {
      return new ServiceError('NOT_FOUND', 'This process is a worker: it answers /health, /ready and /metrics alone.');
    }
    const replacement = replacementOf(request.path);
    if (replacement === null) return exception;
    return new ServiceError('NOT_FOUND', `Nothing is at this path any more; use ${replacement}.`);
  }
  return new ServiceError('METHOD_NOT_ALLOWED', `This path takes ${allowed.join(', ')}.`, {
    headers: { Allow: allowed.join(', ') },
  });
}

function answerError(exception: unknown, request: Request, response: Response, logger: Logger): void {
  const error = toServiceError(exception);
  const { level } = ERROR_CODES[error.code];
  const facts = { code: error.code, method: request.method, route: routeOf(request) };
  if (level === 'error') logger.error('request failed', { ...facts, cause: describe(error.cause) });
  // A 503 is not ours to mend in code but an operator's: a password that is not taken must show.
  else logger[level]('request refused', level === 'warn' ? { ...facts, cause: codeOf(error.cause) } : facts);
  if (response.headersSent) {
    // Closing the JSON properly would present a broken answer as a whole one.
    response.destroy();
    return;
  }
  if (response.destroyed) return;
  response.status(error.status).set(error.headers);
  if (request.complete) response.json(errorBody(error));
  else refuseUpload(request, response, JSON.stringify(errorBody(error)));
}

/** The documented body of an error, with the top-level members that its code has. */
export function errorBody(error: ServiceError): ErrorDto {
  return {
    ...error.members,
    error: ERROR_CODES[error.code].error,
    message: error.message,
    code: error.code,
    details: error.details ?? {},
    request_id: currentRequestId() ?? '',
  };
}

/** Any thrown value as an error of the contract. */
export function toServiceError(exception: unknown): ServiceError {
  if (exception instanceof ServiceError) return exception;
  if (exception instanceof HttpException) return fromHttpException(exception);
  if (isDatabaseAway(exception)) {
    return new ServiceError('SERVICE_UNAVAILABLE', 'The database cannot be reached; send the request again.', {
      headers: { 'Retry-After': '5' },
      cause: exception,
    });
  }
  return new ServiceError('INTERNAL_ERROR', 'Something failed on our side; quote request_id when you report it.', {
    cause: exception,
  });
}

function fromHttpException(exception: HttpException): ServiceError {
  switch (exception.getStatus()) {
    case 400:
      // Express found a percent escape that it cannot decode; its own message holds all of the path.
      return new ServiceError('VALIDATION_FAILED', 'The path cannot be read: percent escapes must be valid UTF-8.', {
        details: { fields: [{ path: 'path', rule: 'must hold valid percent escapes of UTF-8 alone' }], count: 1 },
      });
    case 404:
      return new ServiceError('NOT_FOUND', 'There is nothing at this path; /docs lists what there is.');
    case 413:
      return new ServiceError('BODY_TOO_LARGE', 'The body is too large for this path.');
    case 503:
      return new ServiceError('SERVICE_UNAVAILABLE', 'The service is shutting down; send the request again.', {
        headers: { 'Retry-After': '5' },
        cause: exception,
      });
    default:
      return new ServiceError('INTERNAL_ERROR', 'Something failed on our side; quote request_id when you report it.', {
        cause: exception,
      });
  }
}

function routeOf(request: Request): string {
  const route = (request as { route?: { path?: unknown } }).route;
  return typeof route?.path === 'string' ? route.path : 'none';
}

function codeOf(cause: unknown): string | undefined {
  const code = cause instanceof Error ? (cause as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function describe(cause: unknown): string | undefined {
  if (cause === undefined) return undefined;
  return cause instanceof Error ? (cause.stack ?? cause.message) : `a thrown ${typeof cause}`;
}
