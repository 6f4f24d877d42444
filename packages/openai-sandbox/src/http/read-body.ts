import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.js';

/** Above every request that the service can make; the real one takes 512 MB. */
const MOST_JSON_BYTES = 64 * 1024 * 1024;

/**
 * The whole body of a JSON request.
 * @throws ApiError 413 when it is too large, 400 when it is not UTF-8
 */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_JSON_BYTES) throw new ApiError(413, 'The request body is too large.', { code: null });
    chunks.push(chunk as Buffer);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw unreadable();
  }
}

/** @throws ApiError 400 as OpenAI words it */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw unreadable();
  }
}

function unreadable(): ApiError {
  return new ApiError(
    400,
    'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library ' +
      'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
  );
}
