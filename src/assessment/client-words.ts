import { collisionProblem, collisionsOf, misreadingsInSteps } from './audit/collisions.js';
import { canonicalTag } from './languages.js';
import type { Glossaries } from './text/glossaries.js';
import { entriesProblems, glossaryProblems, WRITTEN_PLACES } from './text/glossary-checks.js';
import { ENTRY_RULES, isRecord, putAt, valueAt } from './text/glossary-entries.js';
import { fingerprintOf, type KnownGlossary } from './text/glossary-file.js';
import { glossaryTagOf } from './text/glossary-tags.js';
import type { Glossary } from './text/glossary.js';
import { placeText } from './text/place.js';

/** A client's own words of one language, by the entry that they stand in for: `parts.bumper`, `places.bumper|front|n/a`. */
export type WordsOfLanguage = Readonly<Record<string, string>>;

/** A client's own words, by the tag of the glossary that they are laid over. */
export type ClientWords = Readonly<Record<string, WordsOfLanguage>>;

/** Own words that cannot be used; the message names key, language and entry of each. */
class ClientWordsError extends Error {
  override readonly name = 'ClientWordsError';

  constructor(problems: readonly string[]) {
    super(`GLOSSARY_WORDS cannot be used: ${problems.join('; ')}`);
  }
}

/**
 * Judges the own words of all keys with the glossaries that are shipped. Of a language that none is shipped for each word is judged by
 * itself: whether it goes with the glossary that a model makes is seen once that is there.
 * @throws ClientWordsError
 */
export function checkClientWords(byKey: ReadonlyMap<string, ClientWords>, glossaries: Glossaries): void {
  const problems = [...byKey].flatMap(([keyId, words]) =>
    Object.entries(words).flatMap(([tag, own]) =>
      languageProblems(tag, own, glossaries).map((problem) => `${keyId}: ${tag}: ${problem}`),
    ),
  );
  if (problems.length > 0) throw new ClientWordsError(problems);
}

function languageProblems(tag: string, own: WordsOfLanguage, glossaries: Glossaries): readonly string[] {
  if (canonicalTag(tag) === null) return ['is not a supported language'];
  const serving = glossaryTagOf(tag);
  if (serving !== tag) return [`is written with the glossary ${serving}; name that`];
  const english = glossaries.english.glossary;
  const base = glossaries.for(tag);
  if (base === null) return lonelyProblems(tag, own, english);
  const laid = layOver(base, own, english);
  if ('problems' in laid) return laid.problems;
  const collisions = collisionsOf(laid.known.glossary).map(collisionProblem);
  if (collisions.length === 0) return [];
  // What can be read in two ways names no entry. Alone, only the words that cause it do so.
  const alone = Object.entries(own).filter(([name, text]) => {
    const one = layOver(base, { [name]: text }, english);
    return 'known' in one && collisionsOf(one.known.glossary).length > 0;
  });
  const names = (alone.length > 0 ? alone : Object.entries(own)).map(([name]) => name);
  return collisions.map((problem) => `${names.join(', ')}: ${problem}`);
}

/**
 * A glossary with a client's own words in place of some of its own. It has a version of its own, of the lowest state: the words as they
 * are now have passed the checks, and nobody has compared or reviewed them together.
 * @param base - which passes the checks
 */
export function layOver(
  base: KnownGlossary,
  own: WordsOfLanguage,
  english: Glossary,
): { readonly known: KnownGlossary } | { readonly problems: readonly string[] } {
  const { tag } = base.glossary;
  const changed = structuredClone(base.glossary);
  const unknown = putAll(changed, own, base.glossary);
  if (unknown.length > 0) return { problems: unknown };
  const { asInEnglish } = base;
  const wrong = glossaryProblems(changed, { ...(tag === 'en' ? {} : { english }), asInEnglish });
  const problems = wrong.length > 0 ? wrong : leftBehind(base.glossary, changed, own);
  if (problems.length > 0) return { problems };
  const version = fingerprintOf(changed);
  if (version === base.version) return { known: base };
  return { known: { glossary: changed, version, state: 'machine', asInEnglish } };
}

/** The same with the search for collisions, in steps: for a glossary that the words were not judged with at the start. */
export function* layOverInSteps(
  base: KnownGlossary,
  own: WordsOfLanguage,
  english: Glossary,
): Generator<undefined, ReturnType<typeof layOver>> {
  const laid = layOver(base, own, english);
  if ('problems' in laid || laid.known === base) return laid;
  yield;
  const problems = yield* misreadingsInSteps(laid.known.glossary);
  return problems.length === 0 ? laid : { problems };
}

/** What is wrong with words whose glossary is not there yet. */
function lonelyProblems(tag: string, own: WordsOfLanguage, english: Glossary): readonly string[] {
  const some = {};
  const unknown = putAll(some, own, {});
  return unknown.length > 0 ? unknown : entriesProblems(some, tag, english);
}

const RULES = new Map(ENTRY_RULES.map((rule) => [rule.name, rule]));
const CLASS = /^(?<part>parts\.[a-z_]+)\.class$/;
const FORM = /^(?<word>(?:side|end)\.[a-z]+)\.(?<of>[a-z]{1,8})$/;

/** @returns what is wrong with the names, each in a sentence */
function putAll(into: object, own: WordsOfLanguage, base: unknown): string[] {
  return Object.entries(own).flatMap(([name, text]) => {
    const found = pathOf(name, base);
    if (typeof found === 'string') return [`${name}: ${found}`];
    putAt(into as Record<string, unknown>, found, text);
    return [];
  });
}

/** Where an entry stands in a glossary, or why no word can stand in for it. */
function pathOf(name: string, base: unknown): readonly string[] | string {
  const place = name.startsWith('places.') ? name.slice('places.'.length) : null;
  if (place !== null) return WRITTEN_PLACES.has(place) ? ['places', place] : 'is no place (part|end|side)';
  const rule = RULES.get(name);
  if (rule?.kind === 'term') return rule.path;
  if (rule?.kind === 'forms') {
    const forms = valueAt(base, rule.path);
    if (!isRecord(forms)) return rule.path;
    return `has a form for each class of nouns (${Object.keys(forms)
      .map((of) => `${name}.${of}`)
      .join(', ')})`;
  }
  if (rule !== undefined) return 'is no word: patterns, sentences and marks are the glossary’s';
  const part = RULES.get(CLASS.exec(name)?.groups?.['part'] ?? '');
  if (part !== undefined) {
    const path = [...part.path.slice(0, -1), 'class'];
    return valueAt(base, path) === undefined ? 'has no class in this language' : path;
  }
  const { word = '', of = '' } = FORM.exec(name)?.groups ?? {};
  const path = [...(RULES.get(word)?.path ?? []), of];
  return path.length > 1 && valueAt(base, path) !== undefined ? path : 'is no entry of a glossary';
}

/** Places that the glossary writes whole would keep the word that another one stands in for. */
function leftBehind(before: Glossary, after: Glossary, own: WordsOfLanguage): string[] {
  return Object.keys(before.places).flatMap((key) => {
    const place = WRITTEN_PLACES.get(key);
    if (place === undefined || Object.hasOwn(own, `places.${key}`)) return [];
    const composed = (glossary: Glossary) => placeText(place, { ...glossary, places: {} });
    return composed(before) === composed(after)
      ? []
      : [`places.${key}: is written whole and would keep its old word; name it too`];
  });
}
