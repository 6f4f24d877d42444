import { missingText, urlsOf, type MissingPhoto } from '../common/missing-photo.js';
import { ServiceError } from '../common/service-error.js';
import type { StoredError } from '../jobs/batch-job.entity.js';
import type { NewResult } from '../jobs/new-result.js';
import type { LotEnd, LotErrorCode } from '../jobs/lot-error-code.js';

const ANSWERED_CODES = [
  'IMAGE_UNREACHABLE',
  'NO_IMAGES',
  'REFUSED',
  'INCOMPLETE',
  'TEXT_REJECTED',
  'OPENAI_API_ERROR',
  'OPENAI_TIMEOUT',
  'COST_LIMIT_EXCEEDED',
  'SERVICE_UNAVAILABLE',
  'INTERRUPTED',
] as const satisfies readonly LotErrorCode[];

/** The codes of lot errors with which a synchronous request can be answered. */
export type AnsweredCode = (typeof ANSWERED_CODES)[number];

export interface LotErrorFacts {
  readonly missingImages?: readonly MissingPhoto[];
  /** OpenAI's request id, so that OpenAI's support can be asked about it. */
  readonly openaiRequestId?: string | undefined;
  readonly retryAfterSeconds?: number;
  /** The row that keeps the model's answer although nothing of it is published. */
  readonly row?: NewResult;
  readonly cause?: unknown;
}

/** Why one lot has no description. It is stored with the lot, and is the answer when the request had only this lot. */
export class LotError extends Error {
  readonly missingImages: readonly MissingPhoto[];

  constructor(
    readonly code: AnsweredCode,
    message: string,
    private readonly facts: LotErrorFacts = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'LotError';
    this.missingImages = facts.missingImages ?? [];
  }

  /**
   * Restores the error of a lot that was stored, perhaps by another process, so that its client gets the same answer.
   * @returns undefined when the stored error is not one of a lot
   */
  static fromStored(stored: StoredError, missingImages: readonly MissingPhoto[]): LotError | undefined {
    const code = ANSWERED_CODES.find((known) => known === stored.code);
    const facts = { missingImages, openaiRequestId: stored.openai_request_id };
    return code === undefined ? undefined : new LotError(code, stored.message, facts);
  }

  /** The row to store with the lot, which no client sees. */
  get row(): NewResult | undefined {
    return this.facts.row;
  }

  /** The same error, with the photos that were missing from the lot. */
  withMissing(missing: readonly MissingPhoto[]): LotError {
    if (this.missingImages.length > 0 || missing.length === 0) return this;
    return new LotError(this.code, this.message, { ...this.facts, missingImages: missing });
  }

  toStored(): LotEnd {
    const id = this.facts.openaiRequestId;
    return { code: this.code, message: this.message, ...(id === undefined ? {} : { openai_request_id: id }) };
  }

  /** The answer to a synchronous request for this lot. */
  toServiceError(): ServiceError {
    const cause = this.facts.cause ?? this;
    switch (this.code) {
      case 'IMAGE_UNREACHABLE':
        return new ServiceError('IMAGE_UNREACHABLE', this.message, {
          members: { missing_images: urlsOf(this.missingImages), photo_problems: [...this.missingImages] },
          details: { missing_images: urlsOf(this.missingImages), photo_problems: this.missingImages },
        });
      case 'NO_IMAGES':
        return new ServiceError('VALIDATION_FAILED', this.message);
      case 'COST_LIMIT_EXCEEDED':
        return new ServiceError('COST_LIMIT_EXCEEDED', this.message);
      case 'OPENAI_TIMEOUT':
        return new ServiceError('OPENAI_TIMEOUT', this.message, { cause });
      case 'SERVICE_UNAVAILABLE':
        return new ServiceError('SERVICE_UNAVAILABLE', this.message, {
          headers: { 'Retry-After': String(this.facts.retryAfterSeconds ?? 30) },
          cause,
        });
      case 'INTERRUPTED':
        return new ServiceError('SERVICE_UNAVAILABLE', this.message, { headers: { 'Retry-After': '1' }, cause });
      case 'REFUSED':
      case 'INCOMPLETE':
      case 'TEXT_REJECTED':
      case 'OPENAI_API_ERROR':
        return new ServiceError('OPENAI_API_ERROR', this.message, {
          details: {
            reason: this.code.toLowerCase(),
            ...(this.facts.openaiRequestId === undefined ? {} : { openai_request_id: this.facts.openaiRequestId }),
          },
          cause,
        });
    }
  }
}

/** A lot with too few of its photos left, with the photos that could not be reached or used. */
export function unreachablePhotos(missing: readonly MissingPhoto[], total: number): LotError {
  return new LotError('IMAGE_UNREACHABLE', missingText(missing, total), { missingImages: missing });
}
