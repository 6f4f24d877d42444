/**
 * Reads the body of a Response as it comes over the wire: sync or as a line of a batch. It has no `output_text`
 * (the SDK's own helper), reasoning items stand between the messages, and optional members may be null or absent.
 */

/** Tokens as billed; `cachedInput` is part of `input`, `reasoning` of `output`. */
export interface TokenUsage {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoning: number;
}

/** What is known of a response whatever became of it; refusals and incomplete answers are billed too. */
export interface ResponseFacts {
  readonly responseId: string | null;
  /** As the response names it, which may be a dated snapshot of the one asked for. */
  readonly model: string | null;
  readonly usage: TokenUsage;
}

/** A response that gave no usable answer, and why. */
export type ResponseFailure =
  | { readonly kind: 'refused'; readonly message: string }
  /** `max_output_tokens` (try again with more room), `content_filter`, or `unknown`. */
  | { readonly kind: 'incomplete'; readonly reason: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** Not what was asked for: no JSON, not of the schema, not a Response at all. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

export type ResponseReading = ResponseFacts & (ResponseFailure | { readonly kind: 'text'; readonly text: string });

type Members = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objects(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

/** No model reads or writes so many in one call: a greater count is none, and would not fit where counts are summed. */
const MOST_TOKENS = 100_000_000;

function tokens(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= MOST_TOKENS ? value : 0;
}

/** The usage of a Response's body; zeros where it tells none. */
export function usageOf(body: unknown): TokenUsage {
  const usage = isObject(body) && isObject(body['usage']) ? body['usage'] : {};
  const inputDetails = isObject(usage['input_tokens_details']) ? usage['input_tokens_details'] : {};
  const outputDetails = isObject(usage['output_tokens_details']) ? usage['output_tokens_details'] : {};
  return {
    input: tokens(usage['input_tokens']),
    cachedInput: tokens(inputDetails['cached_tokens']),
    output: tokens(usage['output_tokens']),
    reasoning: tokens(outputDetails['reasoning_tokens']),
  };
}

/** The text of a Response, or what stands in its place. Never throws, whatever the body is. */
export function readResponse(body: unknown): ResponseReading {
  const facts: ResponseFacts = {
    responseId: isObject(body) ? textOf(body['id'], '') || null : null,
    model: isObject(body) ? textOf(body['model'], '') || null : null,
    usage: usageOf(body),
  };
  if (!isObject(body)) {
    return { ...facts, kind: 'invalid', problems: ['$: not an object'] };
  }
  return { ...facts, ...outcomeOf(body) };
}

function outcomeOf(body: Members): ResponseFailure | { kind: 'text'; text: string } {
  const parts = objects(body['output'])
    .filter((item) => item['type'] === undefined || item['type'] === 'message')
    .flatMap((item) => objects(item['content']));
  const refusal = parts.find((part) => part['type'] === 'refusal');
  if (refusal !== undefined) {
    return { kind: 'refused', message: textOf(refusal['refusal'], 'no reason given') };
  }
  switch (body['status']) {
    case 'failed':
    case 'cancelled': {
      const error = isObject(body['error']) ? body['error'] : {};
      return {
        kind: 'failed',
        code: textOf(error['code'], body['status']),
        message: textOf(error['message'], 'no message'),
      };
    }
    case 'incomplete': {
      const details = isObject(body['incomplete_details']) ? body['incomplete_details'] : {};
      return { kind: 'incomplete', reason: textOf(details['reason'], 'unknown') };
    }
    case 'completed':
    // Compatible endpoints leave it out.
    case undefined: {
      const texts = parts.filter((part) => part['type'] === 'output_text').map((part) => textOf(part['text'], ''));
      const text = texts.join('');
      return text === '' ? { kind: 'invalid', problems: ['$.output: no text'] } : { kind: 'text', text };
    }
    default:
      return { kind: 'invalid', problems: ['$.status: the response has not ended'] };
  }
}

/** JSON, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
