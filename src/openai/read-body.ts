import { MOST_ANSWER_BYTES, parseBounded, TooComplexError } from '../assessment/answer-bounds.js';
import { OpenAiError } from './errors.js';
import { requestIdOf } from './request-headers.js';
import { brokenBody } from './to-openai-error.js';
import { plainText, readUpstreamError } from './upstream-error.js';

/** How much of an error's body is read; its beginning says what is wrong. */
const MOST_ERROR_BYTES = 256 * 1024;
/** How much of a body that is not JSON is kept for the log. */
const MOST_QUOTED_CHARACTERS = 2_000;

/**
 * The body as JSON, within the bounds of an answer. Reading a larger one stops at the limit, and the connection is
 * closed.
 * @throws OpenAiError of kind `too_large`; of kind `broken_body` when it is incomplete, HTML, or anything else
 */
export async function readJson(response: Response): Promise<unknown> {
  const facts = { requestId: requestIdOf(response.headers), status: response.status };
  let text = '';
  try {
    const body = await readBytes(response, MOST_ANSWER_BYTES);
    if (body.more) throw new TooComplexError('the body is longer than an answer is');
    text = body.text;
    return parseBounded(text);
  } catch (cause) {
    if (cause instanceof TooComplexError) throw tooLarge({ ...facts, cause });
    const upstreamMessage = plainText(text.slice(0, MOST_QUOTED_CHARACTERS)).trim();
    throw brokenBody({ ...facts, cause, ...(upstreamMessage === '' ? {} : { upstreamMessage }) });
  }
}

/**
 * A refusal with its error in OpenAI's form, even if a gateway sent it. The SDK always reads the whole body of a
 * refusal, so the body passed to it here is short.
 */
export async function withTidyError(response: Response): Promise<Response> {
  // A 304 and similar answers have no body and must not get one.
  if (response.ok || response.body === null) return response;
  const { text } = await readBytes(response, MOST_ERROR_BYTES);
  const error = readUpstreamError(parsedOr(text, plainText(text)));
  return new Response(JSON.stringify({ error }), { status: response.status, headers: response.headers });
}

function parsedOr(text: string, otherwise: string): unknown {
  try {
    return parseBounded(text);
  } catch {
    return otherwise;
  }
}

function tooLarge(facts: { requestId: string | undefined; status: number; cause: unknown }): OpenAiError {
  return new OpenAiError({ kind: 'too_large', retryable: false, ...facts });
}

/** At most `most` bytes of a body. The rest is not read and the connection is closed. */
async function readBytes(response: Response, most: number): Promise<{ text: string; more: boolean }> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (reader !== undefined && size <= most) {
    const { done, value } = (await reader.read()) as { done: boolean; value?: Uint8Array };
    if (done || value === undefined) return { text: textIn(chunks), more: false };
    chunks.push(value);
    size += value.byteLength;
  }
  await reader?.cancel().catch(() => undefined);
  return { text: textIn(chunks).slice(0, most), more: size > most };
}

/** As UTF-8, without a byte order mark. */
function textIn(chunks: readonly Uint8Array[]): string {
  return new TextDecoder().decode(Buffer.concat(chunks));
}
