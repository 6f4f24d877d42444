import type { ResponseFailure } from '../assessment/response-body.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import { OpenAiError } from '../openai/errors.js';
import { LotError } from './lot-error.js';

/** How a lot ends that the model, or a guard before it, refused … */
export const REFUSED = ['REFUSED', 'The model refused to describe this lot.'] as const;
/** … and one whose request would be refused again. */
export const REJECTED = ['OPENAI_API_ERROR', 'OpenAI refused this request.'] as const;

/** A call that got no answer, as the lot's end. An aborted call stays what it is: it was our own doing. */
export function callError(error: unknown, missingImages: readonly MissingPhoto[]): unknown {
  if (!(error instanceof OpenAiError) || error.kind === 'aborted') return error;
  const facts = { openaiRequestId: error.requestId, cause: error, missingImages };
  switch (error.kind) {
    case 'timeout':
      return new LotError('OPENAI_TIMEOUT', 'OpenAI did not answer in time; send the lot again.', facts);
    case 'circuit_open':
      return new LotError('SERVICE_UNAVAILABLE', 'OpenAI is failing and is left alone for a while; try again later.', {
        ...facts,
        retryAfterSeconds: Math.max(1, Math.ceil((error.retryAfterMs ?? 30_000) / 1000)),
      });
    case 'image':
      return new LotError('OPENAI_API_ERROR', 'OpenAI could not take the photos of this lot.', facts);
    case 'quota':
      return new LotError('OPENAI_API_ERROR', 'The OpenAI account has no quota left; the operator must act.', facts);
    case 'rate_limited':
      return new LotError('OPENAI_API_ERROR', 'OpenAI is limiting our rate; send the lot again later.', facts);
    case 'model':
    case 'auth':
      return new LotError('OPENAI_API_ERROR', 'OpenAI does not accept our settings; the operator must act.', facts);
    case 'refused':
      return new LotError(...REFUSED, facts);
    case 'too_large':
      return new LotError('OPENAI_API_ERROR', "OpenAI's answer to this lot is too large to be read.", facts);
    case 'context_length':
    case 'rejected':
      return new LotError(...REJECTED, facts);
    case 'server':
    case 'connection':
    case 'broken_body':
      return new LotError('OPENAI_API_ERROR', 'OpenAI failed repeatedly; send the lot again.', facts);
  }
}

/** An answer that describes nothing, as the lot's end. */
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
