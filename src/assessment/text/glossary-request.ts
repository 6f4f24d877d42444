import { languageName, scriptOf } from '../languages.js';
import { SCRIPTS } from '../language-list.js';
import { listOf, objectOf, type JsonSchema, type ObjectSchema } from '../json-schema.js';
import { longestAnswer, reasoningOf, type ReasoningEffort } from '../model-traits.js';
import type { Prompt } from '../prompt.js';
import { askedOf, type AskedText } from './glossary-asked.js';
import { entriesOf, NOTE_WORDS, valueAt } from './glossary-entries.js';
import type { Glossary } from './glossary.js';

export interface GlossarySettings {
  readonly model: string;
  readonly effort: ReasoningEffort;
  readonly prompt: Prompt;
}

/** What is asked for: the glossary of a language, or what an older one of it lacks. */
export interface WantedGlossary {
  /** As `glossaryTagOf` gives it. */
  readonly tag: string;
  /** The British one, which every text is given in. */
  readonly english: Glossary;
  /** The file of one that was made for an older taxonomy by the same prompt and model: its words stay. */
  readonly older?: Readonly<Record<string, unknown>> | undefined;
}

/** The plain body of `POST /v1/responses`; a type and not an interface, so that it is the record that the client sends. */
export type GlossaryRequest = {
  readonly model: string;
  readonly prompt_cache_key: string;
  readonly store: false;
  readonly reasoning?: { readonly effort: ReasoningEffort };
  readonly instructions: string;
  readonly text: {
    readonly format: {
      readonly type: 'json_schema';
      readonly name: 'glossary';
      readonly strict: true;
      readonly schema: ObjectSchema;
    };
  };
  readonly max_output_tokens: number;
  readonly input: readonly [
    { readonly role: 'user'; readonly content: readonly [{ readonly type: 'input_text'; readonly text: string }] },
  ];
};

/** Six hundred texts in a script of which a letter takes a token and more. */
const MOST_TOKENS = 64_000;

/**
 * The request for a glossary. It holds the closed lists, English words and the language's name: nothing that a client wrote, so
 * that no listing can put words into every later text of a language.
 */
export function buildGlossaryRequest(wanted: WantedGlossary, settings: GlossarySettings): GlossaryRequest {
  const asked = askedOf(wanted.older);
  return {
    model: settings.model,
    prompt_cache_key: settings.prompt.version.slice(0, 64),
    store: false,
    ...reasoningOf(settings.model, settings.effort),
    instructions: settings.prompt.body,
    text: { format: { type: 'json_schema', name: 'glossary', strict: true, schema: glossarySchema(asked) } },
    max_output_tokens: Math.min(MOST_TOKENS, longestAnswer(settings.model)),
    input: [{ role: 'user', content: [{ type: 'input_text', text: glossaryText(wanted, asked) }] }],
  };
}

/** Every text that is asked for by its place, note words as lists, and the terms that are the same as in English. */
export function glossarySchema(asked: readonly AskedText[]): ObjectSchema {
  return schemaOf({
    ...treeOf(asked, ({ list }): JsonSchema => (list ? listOf({ type: 'string' }) : { type: 'string' })),
    as_in_english: listOf({ type: 'string' }),
  });
}

function glossaryText({ tag, english, older }: WantedGlossary, asked: readonly AskedText[]): string {
  return JSON.stringify({
    language: languageName(tag),
    tag,
    script: SCRIPTS[scriptOf(tag) ?? '']?.name ?? '',
    ...(older === undefined ? {} : { chosen_before: wordsNear(asked, older) }),
    write: treeOf(asked, (text) => text.english(english)),
  });
}

/** The words of an older glossary that new ones must go with: sides and ends, and all of the lists that grow. */
function wordsNear(
  asked: readonly AskedText[],
  older: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const lists = new Set(['side', 'end', 'wide', ...asked.map(({ answerPath: [list] }) => list)]);
  const near = entriesOf(older).filter(({ rule: { path } }) => lists.has(path[0] ?? ''));
  const stems = NOTE_WORDS.map((name) => [`note_words.${name}`, valueAt(older, ['note_words', name])] as const);
  return Object.fromEntries([
    ...near.map(({ name, text }) => [name, text] as const),
    ...stems.flatMap(([name, words]) =>
      lists.has('note_words') && Array.isArray(words) ? [[name, words.join()]] : [],
    ),
  ]) as Readonly<Record<string, string>>;
}

type Tree<T> = { readonly [name: string]: T | Tree<T> };

/** What is asked for as the answer has it: nested by the names of its path. */
function treeOf<T>(asked: readonly AskedText[], leaf: (text: AskedText) => T): Tree<T> {
  const root: Record<string, unknown> = {};
  for (const text of asked) {
    let at = root;
    for (const name of text.answerPath.slice(0, -1)) {
      at[name] ??= {};
      at = at[name] as Record<string, unknown>;
    }
    at[text.answerPath.at(-1) ?? ''] = leaf(text);
  }
  return root as Tree<T>;
}

function schemaOf(tree: Tree<JsonSchema>): ObjectSchema {
  return objectOf(
    Object.fromEntries(Object.entries(tree).map(([name, node]) => [name, isSchema(node) ? node : schemaOf(node)])),
  );
}

function isSchema(node: JsonSchema | Tree<JsonSchema>): node is JsonSchema {
  return typeof node['type' as keyof typeof node] === 'string';
}
