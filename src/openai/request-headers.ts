import { currentRequestId } from '../common/request-context.js';

/** What every request to OpenAI carries besides the SDK's own headers. The one place to add another. */
export function requestHeaders(): Record<string, string> {
  const requestId = currentRequestId();
  // OpenAI logs it beside its own id, so that a call whose answer never came can still be asked about.
  return requestId === undefined ? {} : { 'X-Client-Request-Id': requestId };
}

/** Longer than any real one; it is stored with a failure and shown. */
const MOST_CHARACTERS = 128;

/** OpenAI's own id of an answer. */
export function requestIdOf(headers: Headers): string | undefined {
  return headers.get('x-request-id')?.slice(0, MOST_CHARACTERS) || undefined;
}
