import type { StoredError } from './batch-job.entity.js';

/** The codes by which results and webhooks say why a lot has no description. */
export const LOT_ERROR_CODES = [
  'IMAGE_UNREACHABLE',
  'NO_IMAGES',
  'REFUSED',
  'INCOMPLETE',
  'TEXT_REJECTED',
  'OPENAI_API_ERROR',
  'OPENAI_TIMEOUT',
  'COST_LIMIT_EXCEEDED',
  'DEADLINE_EXCEEDED',
  'SERVICE_UNAVAILABLE',
  'INTERRUPTED',
  'INTERNAL_ERROR',
] as const;

export type LotErrorCode = (typeof LOT_ERROR_CODES)[number];

/**
 * The error of a lot that ends without a description. When read, its code may come from another version of the service.
 */
export interface LotEnd extends StoredError {
  readonly code: LotErrorCode;
}
