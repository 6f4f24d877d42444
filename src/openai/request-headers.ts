import { currentRequestId } from '../common/request-context.js';

/** Headers of every request to OpenAI besides the SDK's own. Add another one here. */
export function requestHeaders(): Record<string, string> {
  const requestId = currentRequestId();
  // OpenAI logs it together with its own id, so that OpenAI can be asked about a call that got no answer.
  return requestId === undefined ? {} : { 'X-Client-Request-Id': requestId };
}

/** Longer than any real id; ids are stored with a failure and shown. */
const MOST_CHARACTERS = 128;

/** OpenAI's own id of an answer. */
export function requestIdOf(headers: Headers): string | undefined {
  return headers.get('x-request-id')?.slice(0, MOST_CHARACTERS) || undefined;
}
