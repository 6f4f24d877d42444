import { ApiError } from './api-error.js';
import type { Reply } from './router.js';

/** The answer for whatever a handler threw; what is not an ApiError is a fault of the sandbox and goes to stderr. */
export function errorReply(error: unknown): Reply {
  if (error instanceof ApiError) {
    const { headers } = error.options;
    return { status: error.status, body: error.body(), ...(headers === undefined ? {} : { headers }) };
  }
  process.stderr.write(`sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return errorReply(new ApiError(500, SERVER_ERROR));
}

export const SERVER_ERROR = 'The server had an error while processing your request. Sorry about that!';
