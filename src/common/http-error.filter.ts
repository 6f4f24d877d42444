import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { allowedMethods } from './allowed-methods.js';
import { refuseUpload } from './refuse-upload.js';
import { isDatabaseAway, isPassing } from './database-away.js';
import type { ErrorDto } from './error.dto.js';
import { countRefusal } from './refusal-metrics.js';
import { replacementOf } from './replaced-paths.js';
import { currentRequestId } from './request-context.js';
import { ERROR_CODES, ServiceError } from './service-error.js';

/**
 * Express setting that says whether this process serves the API. A worker must not name routes that it does not serve.
 */
export const SERVES_API = 'generation-service api';

/**
 * The only place where an error becomes an HTTP answer; unknown errors become a 500 that says nothing of their cause.
 */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(HttpErrorFilter.name);

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    answerError(ofThisPath(exception, request), request, http.getResponse<Response>(), this.logger);
  }
}

/** A path that exists for other methods gets a 405 that names them; Nest itself only answers 404. */
function ofThisPath(exception: unknown, request: Request): unknown {
  if (!(exception instanceof HttpException) || exception.getStatus() !== 404) return exception;
  const allowed = allowedMethods(request);
  if (allowed.length === 0) {
    if (request.app.disabled(SERVES_API)) {
      return new ServiceError('NOT_FOUND', 'This process is a worker: it answers only /health, /ready and /metrics.');
    }
    const replacement = replacementOf(request.path);
    if (replacement === null) return exception;
    return new ServiceError('NOT_FOUND', `There is no such path; use ${replacement}.`);
  }
  return new ServiceError('METHOD_NOT_ALLOWED', `This path takes ${allowed.join(', ')}.`, {
    headers: { Allow: allowed.join(', ') },
  });
}

function answerError(exception: unknown, request: Request, response: Response, logger: Logger): void {
  const error = toServiceError(exception);
  countRefusal(error.code);
  const { level } = ERROR_CODES[error.code];
  const facts = { code: error.code, method: request.method, route: routeOf(request) };
  if (level === 'error') logger.error('request failed', { ...facts, cause: describe(error.cause) });
  // A 503 is for the operator to fix, so its cause must show in the log: a wrong database password, for example.
  else logger[level]('request refused', level === 'warn' ? { ...facts, cause: codeOf(error.cause) } : facts);
  if (response.headersSent) {
    // Ending the response normally would make a broken answer look complete.
    response.destroy();
    return;
  }
  if (response.destroyed) return;
  response.status(error.status).set(error.headers);
  if (request.complete) response.json(errorBody(error));
  else refuseUpload(request, response, JSON.stringify(errorBody(error)));
}

/** The documented body of an error, with the top-level members of its code. */
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

/** Turns any thrown value into an error of the contract. */
export function toServiceError(exception: unknown): ServiceError {
  if (exception instanceof ServiceError) return exception;
  if (exception instanceof HttpException) return fromHttpException(exception);
  if (isDatabaseAway(exception)) {
    return new ServiceError('SERVICE_UNAVAILABLE', 'The database cannot be reached; send the request again.', {
      headers: { 'Retry-After': '5' },
      cause: exception,
    });
  }
  // A deadlock, a full disk, a lock that took too long: not a fault of the request, nor of a synchronous lot that was described.
  if (isPassing(exception)) {
    return new ServiceError('SERVICE_UNAVAILABLE', 'The database cannot do this just now; send the request again.', {
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
      // Express found a percent escape that it cannot decode. Its own message would repeat the whole path.
      return new ServiceError('VALIDATION_FAILED', 'The path cannot be read: percent escapes must be valid UTF-8.', {
        details: { fields: [{ path: 'path', rule: 'must hold valid percent escapes of UTF-8 alone' }], count: 1 },
      });
    case 404:
      return new ServiceError('NOT_FOUND', 'This path does not exist; /docs lists all paths.');
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
