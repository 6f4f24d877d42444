import type { ResponseFailure } from '../assessment/response-body.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import { OpenAiError } from '../openai/errors.js';
import { LotError } from './lot-error.js';

/** The error of a lot that the model, or a filter in front of it, refused. */
export const REFUSED = ['REFUSED', 'The model refused to describe this lot.'] as const;
/** The error of a lot whose request would be refused again. */
export const REJECTED = ['OPENAI_API_ERROR', 'OpenAI refused this request.'] as const;

/**
 * Turns the error of a call without an answer into the lot's error. An aborted call is returned as it is: we stopped
 * it.
 */
export function callError(error: unknown, missingImages: readonly MissingPhoto[]): unknown {
  if (!(error instanceof OpenAiError) || error.kind === 'aborted') return error;
  const facts = { openaiRequestId: error.requestId, cause: error, missingImages };
  switch (error.kind) {
    case 'timeout':
      return new LotError('OPENAI_TIMEOUT', 'OpenAI did not answer in time; send the lot again.', facts);
    case 'circuit_open':
      return new LotError(
        'SERVICE_UNAVAILABLE',
        'OpenAI is failing, so the service has stopped asking it for a while; try again later.',
        {
          ...facts,
          retryAfterSeconds: Math.max(1, Math.ceil((error.retryAfterMs ?? 30_000) / 1000)),
        },
      );
    case 'image':
      return new LotError('OPENAI_API_ERROR', 'OpenAI could not take the photos of this lot.', facts);
    case 'quota':
      return new LotError('OPENAI_API_ERROR', 'The OpenAI account has no quota left; the operator must act.', facts);
    case 'rate_limited':
      return new LotError(
        'OPENAI_API_ERROR',
        'OpenAI is limiting the rate of requests; send the lot again later.',
        facts,
      );
    case 'model':
    case 'auth':
      return new LotError('OPENAI_API_ERROR', 'OpenAI does not accept our settings; the operator must act.', facts);
    case 'refused':
      return new LotError(...REFUSED, facts);
    case 'too_large':
      return new LotError('OPENAI_API_ERROR', "OpenAI's answer to this lot is too large.", facts);
    case 'context_length':
    case 'rejected':
      return new LotError(...REJECTED, facts);
    case 'server':
    case 'connection':
    case 'broken_body':
      return new LotError('OPENAI_API_ERROR', 'OpenAI failed repeatedly; send the lot again.', facts);
  }
}

/** Turns an answer without a description into the lot's error. */
export function answerError(answer: ResponseFailure, openaiRequestId: string | undefined): LotError {
  const facts = { openaiRequestId };
  switch (answer.kind) {
    case 'refused':
      return new LotError(...REFUSED, facts);
    case 'incomplete':
      return new LotError('INCOMPLETE', 'The model did not finish its answer.', facts);
    case 'failed':
      return new LotError('OPENAI_API_ERROR', 'OpenAI failed while it answered; send the lot again.', facts);
    case 'invalid':
      return new LotError('OPENAI_API_ERROR', 'The model answered twice in a form that cannot be used.', facts);
  }
}
