import { SCRIPTS } from '../language-list.js';
import { canonicalTag, scriptOf } from '../languages.js';
import { codesOf, normalizePlace, type Place } from '../part-rules.js';
import { ENDS, PARTS, SIDES } from '../taxonomy.js';
import {
  ENTRY_RULES,
  entriesOf,
  isRecord,
  NOTE_WORDS,
  OTHER_MEMBERS,
  valueAt,
  type Entry,
} from './glossary-entries.js';
import { glossaryTagOf } from './glossary-tags.js';
import { INTERNATIONAL, LATIN_EVERYWHERE, ONLY_SIMPLIFIED, ONLY_TRADITIONAL } from './glossary-words.js';
import type { Glossary } from './glossary.js';
import { placeKey, placeText } from './place.js';

/** The most characters of an entry: longer ones are no labels, and a line of them is not read. */
const MOST = { term: 80, forms: 80, pattern: 80, mark: 4, sentence: 300 } as const;
const MOST_STEMS = 500;
export const RIGHT_TO_LEFT: ReadonlySet<string> = new Set(['Arab', 'Hebr']);
/** Control characters, those that turn the direction of writing, and what is no character at all. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
/** Joiners, which some scripts need inside words. */
const JOINERS = /[\u200C\u200D]/gu;
const WITHOUT_JOINERS = new Set(['Latn', 'Cyrl', 'Grek', 'Hans', 'Hant', 'Jpan', 'Kore', 'Hebr']);

/** What a glossary is compared with. */
export interface ComparedWith {
  /** The English glossary; without it, as for English itself, nothing is taken for left over. */
  readonly english?: Glossary;
  /** Names of entries that read as in English and are right (`parts.airbag`). */
  readonly asInEnglish?: readonly string[];
}

/**
 * Everything that is wrong with a glossary, in whole sentences that name the entry; empty: it can be used. Files and what a
 * model has made come through the same checks.
 */
export function glossaryProblems(value: unknown, compared: ComparedWith = {}): readonly string[] {
  if (!isRecord(value)) return ['a glossary is an object'];
  const head = headProblems(value);
  const shape = shapeProblems(value);
  if (head.length > 0 || shape.length > 0) return [...head, ...shape];
  const glossary = value as unknown as Glossary;
  const entries = entriesOf(glossary);
  const script = scriptOf(glossary.tag) ?? '';
  const problems = [
    ...entries.flatMap((entry) => entryProblems(entry, script)),
    ...classProblems(glossary),
    ...equalTerms(entries, glossary.locale),
    ...leftInEnglish(entries, glossary.tag, compared),
  ];
  // Places are put together last: what is wrong above would be told again by each of them.
  return problems.length > 0 ? problems : equalPlaces(glossary);
}

/**
 * What is wrong with some entries of a glossary whose others are not known yet: what each of them must be, and what they must be to
 * each other.
 */
export function entriesProblems(some: unknown, tag: string, english: Glossary): readonly string[] {
  const entries = entriesOf(some);
  return [
    ...entries.flatMap((entry) => entryProblems(entry, scriptOf(tag) ?? '')),
    ...equalTerms(entries, tag),
    ...leftInEnglish(entries, tag, { english }),
  ];
}

function headProblems({ tag, direction, locale }: Readonly<Record<string, unknown>>): string[] {
  if (typeof tag !== 'string' || canonicalTag(tag) !== tag || glossaryTagOf(tag) !== tag) {
    return [
      'tag: is not the tag of a glossary (language, script where it has several, region only where one is shipped)',
    ];
  }
  const due = RIGHT_TO_LEFT.has(scriptOf(tag) ?? '') ? 'rtl' : 'ltr';
  return [
    ...(direction === due ? [] : [`direction: is ${due} in the script of ${tag}`]),
    ...(typeof locale === 'string' && isLocaleOf(locale, tag)
      ? []
      : [`locale: is not one of ${tag} that writes numbers with Latin digits`]),
  ];
}

function isLocaleOf(locale: string, tag: string): boolean {
  try {
    const digits = new Intl.NumberFormat(locale).resolvedOptions().numberingSystem;
    return digits === 'latn' && new Intl.Locale(locale).language === new Intl.Locale(tag).language;
  } catch {
    return false;
  }
}

/** What is missing, what is no text, and what no list knows. */
function shapeProblems(glossary: Readonly<Record<string, unknown>>): string[] {
  const problems = ENTRY_RULES.flatMap(({ name, path, kind }): string[] => {
    const value = valueAt(glossary, path);
    if (value === undefined) return [`${name}: is missing`];
    const texts = kind === 'forms' && isRecord(value) ? Object.values(value) : [value];
    return texts.length > 0 && texts.every((text) => typeof text === 'string') ? [] : [`${name}: is no text`];
  });
  const lists = NOTE_WORDS.flatMap((list): string[] => {
    const words = valueAt(glossary, ['note_words', list]);
    const fine =
      Array.isArray(words) &&
      words.length <= MOST_STEMS &&
      words.every((word) => typeof word === 'string' && word.trim() === word && word !== '' && word.length <= 40);
    return fine ? [] : [`note_words.${list}: is no list of words`];
  });
  const places = valueAt(glossary, ['places']);
  const wrongPlaces = isRecord(places)
    ? Object.entries(places).flatMap(([key, text]) =>
        PLACE_KEYS.has(key) && typeof text === 'string'
          ? []
          : [`places.${key}: is no place (part|end|side) with its text`],
      )
    : ['places: is missing'];
  return [...problems, ...lists, ...wrongPlaces, ...surplus(glossary, [])];
}

const KNOWN_PATHS = [...ENTRY_RULES.map(({ path }) => path), ...OTHER_MEMBERS];
const KNOWN_MEMBERS = new Set(KNOWN_PATHS.flatMap((path) => path.map((_, end) => path.slice(0, end + 1).join('.'))));
const LEAVES = new Set(KNOWN_PATHS.map((path) => path.join('.')));

function surplus(value: Readonly<Record<string, unknown>>, path: readonly string[]): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = [...path, key].join('.');
    if (!KNOWN_MEMBERS.has(name)) return [`${name}: is not known`];
    return !LEAVES.has(name) && isRecord(inner) ? surplus(inner, [...path, key]) : [];
  });
}

const EVERY_PLACE: readonly Place[] = codesOf(PARTS).flatMap((part) =>
  ENDS.flatMap((end) => SIDES.map((side) => ({ part, end, side }))),
);
/** Places as they are written, each once: no end where a part has only one, no side where it means nothing. */
export const WRITTEN_PLACES: ReadonlyMap<string, Place> = new Map(
  EVERY_PLACE.map(normalizePlace).map((place): [string, Place] => [placeKey(place), place]),
);
const PLACE_KEYS: ReadonlySet<string> = new Set(WRITTEN_PLACES.keys());

function entryProblems({ name, text, rule }: Entry, script: string): string[] {
  const { kind } = rule;
  const words = text.replaceAll(/\{[a-z_]+\}/g, ' ');
  const visible = WITHOUT_JOINERS.has(script) ? text : text.replaceAll(JOINERS, '');
  const found = [...text.matchAll(/\{([^{}]*)\}/g)].map(([, placeholder]) => placeholder as string);
  const complete = found.toSorted().join() === rule.placeholders.toSorted().join();
  const said: readonly (readonly [wrong: boolean, what: string])[] = [
    [INVISIBLE.test(visible), 'holds a control character or one that turns the direction of writing'],
    [text !== text.normalize('NFC'), 'is not written in composed characters (NFC)'],
    [text.length > MOST[kind], `is longer than ${MOST[kind]} characters`],
    [kind !== 'mark' && text.trim() === '', 'is empty'],
    [kind !== 'mark' && text !== text.trim(), 'begins or ends with a space'],
    [kind === 'mark' && /[\p{L}\p{N}]/u.test(text), 'is punctuation, and holds letters or digits'],
    [kind === 'mark' && name !== 'full_stop' && text === '', 'is empty'],
    [/ {2}/.test(text), 'holds two spaces in a row'],
    [/[<>&"]/.test(text), 'holds a character of markup'],
    // Doors are counted in the vehicle line, where nothing else is; some languages write their number in digits.
    [
      /\p{N}/u.test(words) && rule.list !== 'vehicle.doors',
      'holds a number, which a reader would take for a count or a photo',
    ],
    [
      !complete || /[{}]/.test(words),
      rule.placeholders.length === 0
        ? 'holds a placeholder, and takes none'
        : `must hold ${rule.placeholders.map((placeholder) => `{${placeholder}}`).join(', ')} once each, and no other`,
    ],
    [!inScript(words, script), 'holds letters of another script'],
  ];
  return said.filter(([wrong]) => wrong).map(([, what]) => `${name}: ${what}`);
}

function inScript(words: string, script: string): boolean {
  const foreign = words
    .replaceAll(/\p{Script=Latin}+/gu, (word) => (LATIN_EVERYWHERE.has(word) ? '' : word))
    .replaceAll(SCRIPTS[script]?.letters ?? '', '')
    .replaceAll(/[\p{Script=Common}\p{Script=Inherited}]/gu, '');
  if (/\p{L}/u.test(foreign)) return false;
  return script === 'Hans' ? !ONLY_TRADITIONAL.test(words) : script === 'Hant' ? !ONLY_SIMPLIFIED.test(words) : true;
}

/** Sides and ends that agree with a noun need a form for every class, and nouns that take one need a class. */
function classProblems({ parts, side, end }: Glossary): string[] {
  const agreeing = [
    ...Object.entries(side).map(([code, forms]) => ({ name: `side.${code}`, forms })),
    ...Object.entries(end).map(([code, forms]) => ({ name: `end.${code}`, forms })),
  ].filter(({ forms }) => typeof forms !== 'string');
  const classes = new Set(Object.values(parts).map((noun) => noun.class));
  classes.delete(undefined);
  const wrongClasses = Object.entries(parts)
    .filter(([, noun]) => noun.class !== undefined && !/^[a-z]{1,8}$/.test(noun.class))
    .map(([part]) => `parts.${part}: its class is not named by up to eight letters`);
  const missing = agreeing.flatMap(({ name, forms }) =>
    [...classes]
      .filter((nounClass) => !Object.hasOwn(forms as object, nounClass ?? ''))
      .map((nounClass) => `${name}.${nounClass}: is missing`),
  );
  const without =
    agreeing.length === 0
      ? []
      : Object.entries(parts).flatMap(([part, noun]) =>
          noun.class === undefined ? [`parts.${part}: has no class`] : [],
        );
  return [...wrongClasses, ...missing, ...without];
}

/** Terms of one list by one word; opposites too, since they stand in one list. Forms of one word may be alike. */
function equalTerms(entries: readonly Entry[], locale: string): string[] {
  const seen = new Map<string, Entry>();
  return entries.flatMap((entry) => {
    const { list } = entry.rule;
    if (list === null || list === 'places') return [];
    const key = `${list}: ${comparable(entry.text, locale)}`;
    const twin = seen.get(key);
    if (twin === undefined) seen.set(key, entry);
    return twin === undefined || twin.rule === entry.rule ? [] : [`${entry.name}: is the same word as ${twin.name}`];
  });
}

/** As a reader would compare them: without case and without marks between words. */
function comparable(text: string, locale: string): string {
  return text
    .normalize('NFC')
    .toLocaleLowerCase(locale)
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
}

function leftInEnglish(entries: readonly Entry[], tag: string, { english, asInEnglish = [] }: ComparedWith): string[] {
  if (english === undefined || new Intl.Locale(tag).language === 'en') return [];
  const accepted = new Set(asInEnglish);
  const theirs = new Map(entriesOf(english).map(({ name, text }) => [name, comparable(text, 'en')]));
  return entries
    .filter(({ name, text, rule }) => {
      const words = comparable(text.replaceAll(/\{[a-z_]+\}/g, ' '), 'en');
      if (words === '' || accepted.has(rule.name) || INTERNATIONAL.has(rule.name)) return false;
      return comparable(text, 'en') === theirs.get(name);
    })
    .map(({ name }) => `${name}: is left in English (a glossary may name it in as_in_english where the word is right)`);
}

/** Two places that read the same: a front wing is no wing at the front of another part. */
function equalPlaces(glossary: Glossary): string[] {
  const seen = new Map<string, string>();
  return [...WRITTEN_PLACES].flatMap(([key, place]) => {
    const text = comparable(placeText(place, glossary), glossary.locale);
    const twin = seen.get(text);
    if (twin === undefined) seen.set(text, key);
    return twin === undefined ? [] : [`${key}: reads the same as ${twin}`];
  });
}
