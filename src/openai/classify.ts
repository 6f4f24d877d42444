import type { OpenAiErrorKind } from './errors.js';

/** An error as OpenAI writes it: an HTTP error body, `error` of a failed response, or an error line of a batch. */
export interface UpstreamFailure {
  /** HTTP status; undefined where the failure came inside a 200 or in a line that never ran. */
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly type?: string | undefined;
  readonly param?: string | undefined;
  readonly message?: string | undefined;
  /** The `x-should-retry` header: OpenAI's own word on retrying. */
  readonly shouldRetry?: boolean | undefined;
}

export interface FailureClass {
  readonly kind: OpenAiErrorKind;
  readonly retryable: boolean;
}

const QUOTA_CODES = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
]);

const IMAGE_CODES = new Set([
  'invalid_image',
  'invalid_image_format',
  'invalid_base64_image',
  'invalid_image_url',
  'image_too_large',
  'image_too_small',
  'image_parse_error',
  'image_content_policy_violation',
  'invalid_image_mode',
  'image_file_too_large',
  'unsupported_image_media_type',
  'empty_image_file',
  'failed_to_download_image',
  'image_file_not_found',
]);

/** The request was judged unsafe by OpenAI or by a gateway. A violation by a single photo is `image`. */
const REFUSAL_CODES = new Set([
  'invalid_prompt',
  'content_filter',
  'content_policy_violation',
  'moderation_blocked',
  'safety_violation',
  'safety_violations',
  'policy_violation',
  'cyber_policy_violation',
  'bio_policy_violation',
  'responsibleaipolicyviolation',
  'responsible_ai_policy_violation',
  'contentpolicyviolationerror',
]);

const MODEL_CODES = new Set(['model_not_found', 'unsupported_model', 'model_not_available', 'model_deprecated']);
const SERVER_CODES = new Set(['server_error', 'internal_error', 'internal_server_error', 'vector_store_timeout']);
/** Lines of a batch that never ran; the lot itself is fine. */
const NOT_RUN_CODES = new Set(['batch_expired', 'batch_cancelled', 'request_timeout']);

// The same failed download is reported as invalid_image_url, or as invalid_value where only the text tells, so the text
// is read too.
const IMAGE_TEXT =
  /while downloading|process.{0,40}\bimage\b|(?:download|fetch).{0,40}\bimage|\bimage\b.{0,60}(?:download|decod|pars|process|corrupt|unsupported|not supported|too large|too small)|(?:invalid|unsupported) image|not represent a valid image/i;
/**
 * `url` or `input[0].content[7].image_url`. Our requests contain addresses in no other place, so any fault there is
 * about a photo.
 */
const IMAGE_PARAM = /\bimage_url\b|^url$/;
const CONTEXT_TEXT = /context (?:length|window)|maximum context|request too large|input tokens exceed|too many images/i;
const MODEL_TEXT =
  /\bmodel\b.{0,160}(?:does not exist|not found|(?:is|was) (?:not|no longer) (?:supported|available)|has been (?:deprecated|retired|shut down|removed))|do(?:es)? not have access to model|does not support (?:image|vision)|image inputs? (?:is|are) not supported|only supported by certain models/i;
const REFUSAL_TEXT =
  /flagged as (?:potentially )?violating|violat\w* (?:our|the|openai'?s?) (?:usage|content|safety) polic|content management policy|rejected (?:as a result of|by) (?:our|the) safety system/i;
const QUEUE_TEXT = /enqueued token limit/i;

/**
 * Sorts a failure by code first, then by text, then by status. Pure; used for calls and for the lines of a batch alike.
 */
export function classifyFailure(failure: UpstreamFailure): FailureClass {
  const kind = kindOf(failure);
  return { kind, retryable: isRetryable(kind, failure.shouldRetry) };
}

/** Whether OpenAI says that the model's queue of enqueued tokens is full: under its own code, or only in the text. */
export function isQueueLimit({ code, message }: Pick<UpstreamFailure, 'code' | 'message'>): boolean {
  return code === 'token_limit_exceeded' || QUEUE_TEXT.test(message ?? '');
}

function kindOf({ status, code = '', type = '', param = '', message = '' }: UpstreamFailure): OpenAiErrorKind {
  if (QUOTA_CODES.has(code) || QUOTA_CODES.has(type)) return 'quota';
  if (IMAGE_CODES.has(code)) return 'image';
  if (REFUSAL_CODES.has(code.toLowerCase())) return 'refused';
  if (isQueueLimit({ code, message })) return 'rate_limited';
  if (code === 'context_length_exceeded' || code === 'max_images_exceeded') return 'context_length';
  if (MODEL_CODES.has(code)) return 'model';
  if (SERVER_CODES.has(code) || NOT_RUN_CODES.has(code)) return 'server';
  // This server has no such call, and waiting does not change that.
  if (status === 501) return 'rejected';
  // A 5xx is a fault of the server, whatever its text says.
  if (status !== undefined && status >= 500) return 'server';
  if (CONTEXT_TEXT.test(message)) return 'context_length';
  if (status === 429 || code === 'rate_limit_exceeded') return 'rate_limited';
  if (status === 401) return 'auth';
  if (param === 'model' || MODEL_TEXT.test(message)) return 'model';
  if (REFUSAL_CODES.has(type.toLowerCase()) || REFUSAL_TEXT.test(message)) return 'refused';
  if (IMAGE_TEXT.test(message) || IMAGE_PARAM.test(param)) return 'image';
  if (status === 403) return 'auth';
  if (status === 408 || status === 409) return 'server';
  return 'rejected';
}

function isRetryable(kind: OpenAiErrorKind, shouldRetry: boolean | undefined): boolean {
  switch (kind) {
    case 'rate_limited':
    case 'server':
      return shouldRetry ?? true;
    case 'rejected':
      return shouldRetry ?? false;
    case 'connection':
    case 'broken_body':
    case 'timeout':
    case 'circuit_open':
      return true;
    case 'quota':
    case 'image':
    case 'context_length':
    case 'model':
    case 'refused':
    case 'too_large':
    case 'auth':
    case 'aborted':
      return false;
  }
}
