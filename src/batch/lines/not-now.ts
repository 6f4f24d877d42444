import type { LotError } from '../../describe/lot-error.js';
import { OpenAiError } from '../../openai/errors.js';

/** Nothing can be asked for at the moment, and that is not this lot's fault. The message becomes the shard's reason. */
export class NotNowError extends Error {
  override name = 'NotNowError';

  constructor(
    reason: string,
    readonly seconds: number,
  ) {
    super(reason);
  }

  static away(error: OpenAiError, seconds = REST_SECONDS): NotNowError {
    return new NotNowError(error.code ?? error.kind, seconds);
  }
}

/** Seconds to wait when something is wrong with the whole account or service; no lot fails because of it. */
const REST_SECONDS = 30;

/** Quota, keys, models, limits and an open circuit hold everything back, and are not the fault of a lot. */
export function throwIfNotNow(error: LotError): void {
  const { cause } = error;
  if (!(cause instanceof OpenAiError)) return;
  switch (cause.kind) {
    case 'quota':
    case 'auth':
    case 'model':
    case 'rate_limited':
    case 'circuit_open':
    case 'connection':
      throw NotNowError.away(cause);
    case 'server':
    case 'broken_body':
    case 'timeout':
    case 'image':
    case 'context_length':
    case 'rejected':
    case 'refused':
    case 'too_large':
    case 'aborted':
      return;
  }
}
