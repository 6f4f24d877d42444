import { isObject, isStringArray, type JsonObject } from '../json.js';
import { resolveRef } from '../responses/validate-schema.js';
import { fitSchema } from './fit-schema.js';
import { translatedNote } from './played-notes.js';
import { pseudoTranslate } from './pseudo-language.js';

const LANGUAGE_TAG = /^[a-z]{2,3}([-_][a-z0-9]{2,8})*$/i;

/** The strings to translate, with the names they had, if any. */
interface Source {
  readonly strings: readonly string[];
  readonly byName: Readonly<Record<string, string>>;
}

/**
 * The answer to a request without photos: wherever the schema has a member named by a language, that many strings in
 * that language's pseudo form. The source strings are those of the last JSON value in the user's text.
 */
export function translationAnswer(schema: JsonObject, userTexts: readonly string[]): unknown {
  const source = findSource(userTexts);
  return fitSchema(schema, factsFor(schema, schema, source, null, 0));
}

/** Values by member name, as deep as the schema goes; `fitSchema` does the rest. */
function factsFor(node: unknown, root: JsonObject, source: Source, language: string | null, depth: number): unknown {
  if (!isObject(node) || depth > 20) return undefined;
  if (typeof node['$ref'] === 'string') {
    return factsFor(resolveRef(root, node['$ref']), root, source, language, depth + 1);
  }
  if (node['type'] === 'array' && language !== null) {
    return source.strings.map((text) => translated(text, language));
  }
  if (!isObject(node['properties'])) return undefined;
  const properties = node['properties'];
  if (language !== null) return namedFacts(properties, source, language, root, depth);
  const facts: JsonObject = {};
  for (const [name, child] of Object.entries(properties)) {
    const tag = LANGUAGE_TAG.test(name) && isTranslatable(child) ? name.replaceAll('_', '-') : null;
    facts[name] = factsFor(child, root, source, tag, depth + 1);
  }
  return facts;
}

/** The simulation's own sentences in words that can be read, all else in the pseudo form. */
function translated(text: string, language: string): string {
  return translatedNote(text, language) ?? pseudoTranslate(text, language);
}

/** Members of one language's object: by the source's own names where they are the same, else in order. */
function namedFacts(
  properties: JsonObject,
  source: Source,
  language: string,
  root: JsonObject,
  depth: number,
): JsonObject {
  const facts: JsonObject = {};
  for (const [index, [name, child]] of Object.entries(properties).entries()) {
    const isText = isObject(child) && child['type'] === 'string';
    const text = source.byName[name] ?? source.strings[index] ?? '';
    facts[name] = isText ? translated(text, language) : factsFor(child, root, source, language, depth + 1);
  }
  return facts;
}

function isTranslatable(child: unknown): boolean {
  return isObject(child) && (child['type'] === 'array' || child['type'] === 'object' || child['$ref'] !== undefined);
}

function findSource(texts: readonly string[]): Source {
  for (const text of texts.toReversed()) {
    const value = jsonIn(text);
    if (value === undefined) continue;
    const source = sourceIn(value);
    if (source !== undefined) return source;
  }
  return { strings: texts.slice(-1), byName: {} };
}

/** The first member that looks like texts to translate, whatever it is called. */
function sourceIn(value: unknown): Source | undefined {
  if (isStringArray(value)) return { strings: value, byName: {} };
  if (!isObject(value)) return undefined;
  const members = Object.entries(value);
  const preferred = members.filter(([name]) => /string|text|source|segment/i.test(name));
  for (const [, member] of [...preferred, ...members]) {
    if (isStringArray(member) && !member.every((item) => LANGUAGE_TAG.test(item))) {
      return { strings: member, byName: {} };
    }
    if (isObject(member)) {
      const inner = sourceIn(member);
      if (inner !== undefined) return inner;
    }
  }
  const texts = members.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  if (texts.length === 0) return undefined;
  return { strings: texts.map(([, text]) => text), byName: Object.fromEntries(texts) };
}

/** The JSON value that a text is, or that stands in it. */
function jsonIn(text: string): unknown {
  for (const [open, close] of [
    ['{', '}'],
    ['[', ']'],
  ] as const) {
    const start = text.indexOf(open);
    const end = text.lastIndexOf(close);
    if (start < 0 || end <= start) continue;
    try {
      return JSON.parse(text.slice(start, end + 1)) as unknown;
    } catch {
      // Not this bracket: the other one, or no JSON at all.
    }
  }
  return undefined;
}
