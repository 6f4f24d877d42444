import type { StoredError } from './batch-job.entity.js';

/** Why a lot has no description, as results and webhooks name it. */
export type LotErrorCode =
  | 'IMAGE_UNREACHABLE'
  | 'NO_IMAGES'
  | 'REFUSED'
  | 'INCOMPLETE'
  | 'OPENAI_API_ERROR'
  | 'OPENAI_TIMEOUT'
  | 'COST_LIMIT_EXCEEDED'
  | 'DEADLINE_EXCEEDED'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERRUPTED'
  | 'INTERNAL_ERROR';

/** A lot's end without a description, as it is written; what is read may be of another version of the service. */
export interface LotEnd extends StoredError {
  readonly code: LotErrorCode;
}
