import { answerValues } from './answer-json.js';
import { objectOf, schemaProblems } from './json-schema.js';
import type { ObjectSchema } from './json-schema.js';
import { languageName } from './languages.js';
import { hasCacheBreakpoints, reasoningOf } from './model-traits.js';
import type { ReasoningEffort } from './model-traits.js';
import { CACHE_ONLY_AT_BREAKPOINTS, type CacheOptions } from './prompt-cache.js';
import type { Prompt } from './prompt.js';
import { factsOf, readResponse } from './response-body.js';
import type { ResponseFacts, ResponseFailure } from './response-body.js';

export interface TranslationSettings {
  readonly model: string;
  /** Set `none`: gpt-6-luna reasons at medium when it is not told, which translation does not need. */
  readonly effort: ReasoningEffort;
  /** Long texts in many languages get more, see `translationRoom`. */
  readonly maxOutputTokens: number;
  readonly prompt: Prompt;
}

/** The plain body of `POST /v1/responses`; a type and not an interface, so that it is the record that the client sends. */
export type TranslationRequest = {
  readonly model: string;
  readonly prompt_cache_key: string;
  readonly prompt_cache_options?: CacheOptions;
  readonly store: false;
  readonly reasoning?: { readonly effort: ReasoningEffort };
  readonly instructions: string;
  readonly text: {
    readonly format: {
      readonly type: 'json_schema';
      readonly name: 'translation';
      readonly strict: true;
      readonly schema: ObjectSchema;
    };
  };
  readonly max_output_tokens: number;
  readonly input: readonly [
    { readonly role: 'user'; readonly content: readonly [{ readonly type: 'input_text'; readonly text: string }] },
  ];
};

/**
 * The request that translates the notes of a lot into one or more languages.
 *
 * The strings have keys, `s1` to `sN`, going in and coming out: the schema can then demand every one of them by
 * `required`, which every endpoint enforces (`minItems` is not enforced by all), and the model cannot slip by a line.
 * The keys stand once, in `$defs`, whatever the number of languages.
 * @param strings - English, at least one
 * @param languages - supported tags as the client sent them, none of them English, at least one
 */
export function buildTranslationRequest(
  strings: readonly string[],
  languages: readonly string[],
  settings: TranslationSettings,
): TranslationRequest {
  return {
    ...staticMembers(languages, strings.length, settings),
    max_output_tokens: translationRoom(textSize(strings), languages.length, settings),
    input: [{ role: 'user', content: [{ type: 'input_text', text: translationText(strings, languages) }] }],
  };
}

function staticMembers(
  languages: readonly string[],
  count: number,
  settings: TranslationSettings,
): Omit<TranslationRequest, 'max_output_tokens' | 'input'> {
  return {
    model: settings.model,
    prompt_cache_key: `translation-${settings.prompt.version}`.slice(0, 64),
    // No breakpoint: the schema stands before the prompt and differs with the number of strings.
    ...(hasCacheBreakpoints(settings.model) ? { prompt_cache_options: CACHE_ONLY_AT_BREAKPOINTS } : {}),
    store: false,
    ...reasoningOf(settings.model, settings.effort),
    instructions: settings.prompt.body,
    text: {
      format: { type: 'json_schema', name: 'translation', strict: true, schema: translationSchema(count, languages) },
    },
  };
}

/** An object with one member per language, each an object of the strings `s1` to `sN`. */
export function translationSchema(count: number, languages: readonly string[]): ObjectSchema {
  return {
    ...objectOf(Object.fromEntries(languages.map((tag) => [tag, { $ref: '#/$defs/strings' }]))),
    $defs: { strings: objectOf(Object.fromEntries(keysOf(count).map((name) => [name, { type: 'string' }]))) },
  };
}

function key(index: number): string {
  return `s${index + 1}`;
}

function translationText(strings: readonly string[], languages: readonly string[]): string {
  return JSON.stringify({
    translate_into: Object.fromEntries(languages.map((tag) => [tag, languageName(tag)])),
    strings: Object.fromEntries(strings.map((text, index) => [key(index), text])),
  });
}

/** How much text the strings hold. */
export function textSize(strings: readonly string[]): { readonly strings: number; readonly characters: number } {
  return { strings: strings.length, characters: strings.reduce((sum, text) => sum + text.length, 0) };
}

/** A token for two characters at worst (Burmese, Khmer and others take more tokens than letters in English words). */
export function translationRoom(
  text: { readonly strings: number; readonly characters: number },
  languages: number,
  settings: Pick<TranslationSettings, 'maxOutputTokens'>,
): number {
  return Math.max(settings.maxOutputTokens, 500 + languages * (text.characters + 12 * text.strings));
}

/** A translation request cut like a vision request: see `VisionRequestParts`. */
export interface TranslationRequestParts {
  /** The bytes before the lot's own; they differ with the number of strings and are made once for each number. */
  prefix(count: number): Buffer;
  readonly suffix: Buffer;
  /**
   * `prefix(n) + middle + suffix` is byte for byte `JSON.stringify(buildTranslationRequest(…))`.
   * @param room - `max_output_tokens`, where it is not the usual one
   */
  middle(strings: readonly string[], room?: number): string;
}

/** Prepares the parts for the languages of a job; keep them for all lots of a shard. */
export function translationRequestParts(
  languages: readonly string[],
  settings: TranslationSettings,
): TranslationRequestParts {
  const prefixes = new Map<number, Buffer>();
  return {
    prefix(count) {
      const known = prefixes.get(count);
      if (known !== undefined) {
        return known;
      }
      const head = JSON.stringify(staticMembers(languages, count, settings));
      const prefix = Buffer.from(`${head.slice(0, -1)},"max_output_tokens":`);
      prefixes.set(count, prefix);
      return prefix;
    },
    suffix: Buffer.from('}]}]}'),
    middle(strings, room = translationRoom(textSize(strings), languages.length, settings)) {
      const text = JSON.stringify(translationText(strings, languages));
      return `${room},"input":[{"role":"user","content":[{"type":"input_text","text":${text}`;
    },
  };
}

/** What became of a translation request. */
export type TranslationAnswer = ResponseFacts &
  (
    | {
        readonly kind: 'translated';
        /** As the model wrote them, as many as were sent; a language for which it did not give all is not there. */
        readonly languages: ReadonlyMap<string, readonly string[]>;
      }
    | ResponseFailure
  );

/**
 * Turns a Response's body into strings, which nobody has judged yet (`notes/translated-note.ts` does). A language that the answer
 * lacks costs the others nothing. Never throws on what the model says.
 * @param body - as `POST /v1/responses` answers, or `response.body` of a line of a batch
 * @param count - how many strings were sent
 * @param languages - those that were asked for, as they were sent
 */
export function parseTranslation(body: unknown, count: number, languages: readonly string[]): TranslationAnswer {
  const reading = readResponse(body);
  if (reading.kind !== 'text') {
    return reading;
  }
  const facts = factsOf(reading);
  const wanted = objectOf(Object.fromEntries(keysOf(count).map((name) => [name, { type: 'string' }])));
  let best: ReadonlyMap<string, readonly string[]> | undefined;
  for (const value of answerValues(reading.texts)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    const members = value as Readonly<Record<string, unknown>>;
    const given = new Map(
      languages
        .filter((tag) => Object.hasOwn(members, tag) && schemaProblems(members[tag], wanted).length === 0)
        .map((tag) => [tag, keysOf(count).map((name) => (members[tag] as Record<string, string>)[name] ?? '')]),
    );
    if (best === undefined || given.size > best.size) best = given;
    if (best.size === languages.length) break;
  }
  if (best === undefined) return { ...facts, kind: 'invalid', problems: ['$: not a JSON object'] };
  return { ...facts, kind: 'translated', languages: best };
}

function keysOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => key(index));
}
