import { isRecord, textOf, wordOf } from './json-values.js';

/** What an error's body says, in whichever form. */
export interface UpstreamErrorFacts {
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly param: string | undefined;
  readonly message: string | undefined;
}

/** Messages quote addresses of photos, which are searched for; a text longer than this is not a message. */
const MOST_CHARACTERS = 32_768;

/**
 * Reads the body of an error: OpenAI's `{"error": {…}}`, and the forms of other servers: `error` as a text, the members
 * at the top (vLLM), `detail` (FastAPI), or no JSON at all.
 */
export function readUpstreamError(body: unknown): UpstreamErrorFacts {
  if (!isRecord(body)) return { ...NOTHING, message: messageOf(body) };
  const error = body['error'];
  if (!isRecord(error))
    return factsOf(body, messageOf(error) ?? messageOf(body['message']) ?? messageOf(body['detail']));
  // Azure's own code is in `innererror` where `code` names none that we know.
  const inner = isRecord(error['innererror']) ? wordOf(error['innererror']['code']) : undefined;
  const facts = factsOf(error, messageOf(error['message']));
  return { ...facts, code: facts.code ?? inner };
}

const NOTHING = { code: undefined, type: undefined, param: undefined, message: undefined };

function factsOf(members: Readonly<Record<string, unknown>>, message: string | undefined): UpstreamErrorFacts {
  return { code: wordOf(members['code']), type: wordOf(members['type']), param: textOf(members['param']), message };
}

function messageOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return textOf(text.slice(0, MOST_CHARACTERS).trim());
}

/** A proxy's HTML page as one line of text; any other text is unchanged. */
export function plainText(text: string): string {
  if (!/^\s*</.test(text)) return text;
  return text
    .replaceAll(/<(?:script|style)\b[^]*?(?:<\/(?:script|style)>|$)/gi, ' ')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}
