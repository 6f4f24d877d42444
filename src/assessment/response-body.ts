/**
 * Reads the body of a Response as it comes over the wire: sync or as a line of a batch. It has no `output_text`
 * (the SDK's own helper), reasoning items stand between the messages, and optional members may be null or absent.
 */

/** Tokens as billed; `cachedInput` and `cacheWrite` are parts of `input` that share no token, `reasoning` is part of `output`. */
export interface TokenUsage {
  readonly input: number;
  /** Read from the prompt cache. */
  readonly cachedInput: number;
  /** Written to it. */
  readonly cacheWrite: number;
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

export type ResponseReading = ResponseFacts & (ResponseFailure | ResponseTexts);

/** Where the answer may stand, the likeliest first; see `answerValues`. */
interface ResponseTexts {
  readonly kind: 'text';
  readonly texts: readonly string[];
}

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

/** What is known of a response, without the answer that was read out of it. */
export function factsOf({ responseId, model, usage }: ResponseFacts): ResponseFacts {
  return { responseId, model, usage };
}

/** No answer has a billion tokens; sums of more would not fit where they are stored. */
const MOST_TOKENS = 1_000_000_000;

function tokens(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < MOST_TOKENS ? value : 0;
}

const LONGEST_NAME = 256;

/** An id or a model's name, which is stored and shown: of a usual length and without control characters. */
function nameOf(value: unknown): string | null {
  const name = textOf(value, '')
    .slice(0, LONGEST_NAME)
    .replaceAll(/\p{Cc}/gu, '');
  return name === '' ? null : name;
}

/** The usage of a Response's body; zeros where it tells none. */
export function usageOf(body: unknown): TokenUsage {
  const usage = isObject(body) && isObject(body['usage']) ? body['usage'] : {};
  const inputDetails = isObject(usage['input_tokens_details']) ? usage['input_tokens_details'] : {};
  const outputDetails = isObject(usage['output_tokens_details']) ? usage['output_tokens_details'] : {};
  return {
    input: tokens(usage['input_tokens']),
    cachedInput: tokens(inputDetails['cached_tokens']),
    cacheWrite: tokens(inputDetails['cache_write_tokens']),
    output: tokens(usage['output_tokens']),
    reasoning: tokens(outputDetails['reasoning_tokens']),
  };
}

/**
 * Whether a Response says of itself that no model made it: the sandbox writes so into its metadata. The configuration does not
 * tell, for an answer may come in after it was changed.
 */
export function isSimulated(body: unknown): boolean {
  return isObject(body) && isObject(body['metadata']) && body['metadata']['simulated'] === 'true';
}

/** The text of a Response, or what stands in its place. Never throws, whatever the body is. */
export function readResponse(body: unknown): ResponseReading {
  const facts: ResponseFacts = {
    responseId: isObject(body) ? nameOf(body['id']) : null,
    model: isObject(body) ? nameOf(body['model']) : null,
    usage: usageOf(body),
  };
  if (!isObject(body)) {
    return { ...facts, kind: 'invalid', problems: ['$: not an object'] };
  }
  return { ...facts, ...outcomeOf(body) };
}

function outcomeOf(body: Members): ResponseFailure | ResponseTexts {
  const messages = messagesOf(body['output']);
  const refusals = messages.filter(({ phase }) => phase !== 'commentary').flatMap((message) => message.refusals);
  const refusal = refusals.find((text) => text.trim() !== '');
  if (refusal !== undefined) {
    return { kind: 'refused', message: refusal };
  }
  switch (body['status'] ?? undefined) {
    case 'failed':
    case 'cancelled': {
      const error = isObject(body['error']) ? body['error'] : {};
      return {
        kind: 'failed',
        code: textOf(error['code'], textOf(body['status'], 'failed')),
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
      const texts = textsOf(messages);
      if (texts.length > 0) return { kind: 'text', texts };
      // A refusal without words beside a text is nothing; alone it is all that was said.
      return refusals.length > 0
        ? { kind: 'refused', message: 'no reason given' }
        : { kind: 'invalid', problems: ['$.output: no text'] };
    }
    default:
      return { kind: 'invalid', problems: ['$.status: the response has not ended'] };
  }
}

interface Message {
  /** `final_answer`, or `commentary` for what the model says on the way there; most models name none. */
  readonly phase: unknown;
  readonly text: string;
  readonly refusals: readonly string[];
}

/** What the assistant said, message by message; reasoning, tool calls and an echo of the request are left out. */
function messagesOf(output: unknown): readonly Message[] {
  return objects(output)
    .filter(({ type, role }) => (type === undefined || type === 'message') && (role ?? 'assistant') === 'assistant')
    .map(({ phase, content }) => {
      const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : objects(content);
      const texts = parts.filter(({ type }) => type === 'output_text' || type === 'text');
      return {
        phase,
        text: texts.map((part: Members) => textOf(part['text'], '')).join(''),
        refusals: parts.filter(({ type }) => type === 'refusal').map((part: Members) => textOf(part['refusal'], '')),
      };
    });
}

/** How much a message is worth as the answer. */
const PHASES: readonly unknown[] = ['commentary', undefined, 'final_answer'];
/** Messages that are looked at one by one. */
const MOST_MESSAGES = 16;

/** The final answer before what names no phase before commentary, the last of each first; then all in one, if cut up. */
function textsOf(messages: readonly Message[]): readonly string[] {
  const said = messages.filter(({ text }) => text.trim() !== '');
  const rank = ({ phase }: Message) => PHASES.indexOf(PHASES.includes(phase) ? phase : undefined);
  const alone = said
    .toReversed()
    .toSorted((a, b) => rank(b) - rank(a))
    .slice(0, MOST_MESSAGES);
  const joined = said.length > 1 ? [said.map(({ text }) => text).join('')] : [];
  return [...alone.map(({ text }) => text), ...joined];
}
