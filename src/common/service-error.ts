import type { ErrorMembers } from './error.dto.js';

/**
 * Every stable error code of the contract, with its HTTP status, its short `error` text and the level it is logged at.
 */
export const ERROR_CODES = {
  INVALID_JSON: { status: 400, error: 'Invalid JSON', level: 'log' },
  VALIDATION_FAILED: { status: 400, error: 'Validation failed', level: 'log' },
  UNSUPPORTED_VERSION: { status: 400, error: 'Unsupported version', level: 'log' },
  TOO_MANY_IMAGES: { status: 400, error: 'Too many images', level: 'log' },
  IMAGE_UNREACHABLE: { status: 400, error: 'image_unreachable', level: 'log' },
  MISSING_SIGNATURE: { status: 401, error: 'Missing signature', level: 'log' },
  INVALID_SIGNATURE: { status: 403, error: 'Invalid signature', level: 'log' },
  NOT_FOUND: { status: 404, error: 'Not found', level: 'log' },
  JOB_NOT_FOUND: { status: 404, error: 'Job not found', level: 'log' },
  LOT_NOT_FOUND: { status: 404, error: 'Lot not found', level: 'log' },
  DELIVERY_NOT_FOUND: { status: 404, error: 'Delivery not found', level: 'log' },
  METHOD_NOT_ALLOWED: { status: 405, error: 'Method not allowed', level: 'log' },
  DUPLICATE_LOT_ID: { status: 409, error: 'Duplicate lot_id', level: 'log' },
  JOB_CANCELLED: { status: 409, error: 'Job cancelled', level: 'log' },
  JOB_NOT_CANCELLABLE: { status: 409, error: 'Job cannot be cancelled', level: 'log' },
  JOB_NOT_FINISHED: { status: 409, error: 'Job not finished', level: 'log' },
  JOB_NOT_PAUSABLE: { status: 409, error: 'Job cannot be paused', level: 'log' },
  REQUEST_IN_PROGRESS: { status: 409, error: 'Request in progress', level: 'log' },
  BATCH_SIZE_EXCEEDED: { status: 413, error: 'Batch size exceeded', level: 'log' },
  BODY_TOO_LARGE: { status: 413, error: 'Body too large', level: 'log' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, error: 'Unsupported media type', level: 'log' },
  INVALID_IMAGE_URLS: { status: 422, error: 'Invalid image URLs', level: 'log' },
  INVALID_WEBHOOK_URL: { status: 422, error: 'Invalid webhook URL', level: 'log' },
  UNSUPPORTED_LANGUAGE: { status: 422, error: 'Unsupported language', level: 'log' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, error: 'Idempotency key reused', level: 'log' },
  NOTHING_TO_RETRY: { status: 422, error: 'Nothing to retry', level: 'log' },
  COST_LIMIT_EXCEEDED: { status: 422, error: 'Cost limit exceeded', level: 'log' },
  RATE_LIMITED: { status: 429, error: 'Rate limited', level: 'log' },
  TOO_MANY_ACTIVE_JOBS: { status: 429, error: 'Too many active jobs', level: 'log' },
  INTERNAL_ERROR: { status: 500, error: 'Internal error', level: 'error' },
  OPENAI_API_ERROR: { status: 502, error: 'OpenAI API error', level: 'error' },
  SERVICE_UNAVAILABLE: { status: 503, error: 'Service unavailable', level: 'warn' },
  OPENAI_TIMEOUT: { status: 504, error: 'OpenAI timeout', level: 'error' },
} as const satisfies Record<string, { status: number; error: string; level: 'log' | 'warn' | 'error' }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ServiceErrorOptions {
  /** Shown to the client under `details`. */
  readonly details?: Record<string, unknown>;
  /** Further top-level members of the answer that the contract names. */
  readonly members?: ErrorMembers;
  /** Headers of the answer, `Retry-After` for one. */
  readonly headers?: Record<string, string>;
  /** For the log only. */
  readonly cause?: unknown;
}

/**
 * An outcome that the client is told about by a code of the contract.
 * `message` says what to do and is shown to the client: never put an internal name, a secret or a cause's text in it.
 */
export class ServiceError extends Error {
  readonly details: Record<string, unknown> | undefined;
  readonly members: ErrorMembers;
  readonly headers: Record<string, string>;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ServiceErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ServiceError';
    this.details = options.details;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}
