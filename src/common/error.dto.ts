import { PhotoProblemDto } from './missing-photo.dto.js';

/** The body of every refused request. */
export class ErrorDto {
  /** A short text. */
  error: string;
  /** What to do. */
  message: string;
  /** The stable code to program against. */
  code: string;
  /** What was wrong; the members depend on the code, for example each field with its rule. */
  details: Record<string, unknown>;
  /** Quote it when you report a problem; the same as X-Request-Id. */
  request_id: string;
  /** With INVALID_IMAGE_URLS: the addresses as they were sent. */
  invalid_urls?: string[];
  /** With IMAGE_UNREACHABLE: the photos that could not be fetched. */
  missing_images?: string[];
  /** With IMAGE_UNREACHABLE: the same photos, each with its reason, as in the lots of results. */
  photo_problems?: PhotoProblemDto[];
  /** With COST_LIMIT_EXCEEDED: USD, or null when the price of a model is not known. */
  estimated_cost_usd?: number | null;
  /** With BATCH_SIZE_EXCEEDED: lots sent. */
  provided_lots?: number;
  /** With BATCH_SIZE_EXCEEDED: lots that a job may have. */
  max_allowed?: number;
  /** With JOB_NOT_CANCELLABLE: the state in which the job ended. With JOB_NOT_FINISHED and JOB_NOT_PAUSABLE: its present state. */
  status?: string;
}

/** The members that some codes have in addition to those of every error. */
export type ErrorMembers = Omit<ErrorDto, 'error' | 'message' | 'code' | 'details' | 'request_id'>;
