import type { ErrorAnswer } from './types.js';

/** Whatever this client throws on purpose. */
export class GenerationServiceError extends Error {
  override name = 'GenerationServiceError';
}

/** The service refused a request, or failed to answer it. Prints its message, code, details and request id. */
export class ApiError extends GenerationServiceError {
  override name = 'ApiError';
  /** One of the codes of the documentation, for example `UNSUPPORTED_LANGUAGE`; `HTTP_502` where a proxy answered. */
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;

  constructor(
    readonly status: number,
    /** The whole answer, with the members that some codes add: `invalid_urls`, `missing_images`, … */
    readonly answer: Partial<ErrorAnswer>,
    /** The seconds after which the service asks to be tried again. */
    readonly retryAfter: number | null = null,
    requestId: string | null = null,
  ) {
    const code = answer.code ?? `HTTP_${status}`;
    const details = answer.details ?? {};
    const id = answer.request_id ?? requestId;
    const parts = [`${code}: ${answer.message ?? `the answer was ${status} and no JSON of the service`}`];
    if (Object.keys(details).length > 0) parts.push(JSON.stringify(details));
    if (id !== null) parts.push(`(request id ${id})`);
    super(parts.join(' '));
    this.code = code;
    this.details = details;
    this.requestId = id;
  }
}

/** No answer came: the host is away, the connection broke, or the time was up. `cause` has the reason. */
export class ConnectionError extends GenerationServiceError {
  override name = 'ConnectionError';
}

/** The job has not ended, so there are no whole results. */
export class JobRunningError extends GenerationServiceError {
  override name = 'JobRunningError';

  constructor(
    readonly jobId: string,
    readonly status: string,
  ) {
    super(`job ${jobId} is ${status}: wait for its end, or ask for what is there with partial`);
  }
}

/** A webhook that is not from the service, was changed on its way, or is an old one sent again. */
export class WebhookVerificationError extends GenerationServiceError {
  override name = 'WebhookVerificationError';
}
