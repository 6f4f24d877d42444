import { answerValues } from '../answer-json.js';
import { schemaProblems } from '../json-schema.js';
import { scriptOf } from '../languages.js';
import { factsOf, readResponse, type ResponseFacts, type ResponseFailure } from '../response-body.js';
import { askedOf, everyText, type AskedText } from './glossary-asked.js';
import { glossaryProblems, RIGHT_TO_LEFT } from './glossary-checks.js';
import { ENTRY_RULES, putAt, valueAt } from './glossary-entries.js';
import type { WantedGlossary } from './glossary-request.js';
import { glossarySchema } from './glossary-request.js';

/** What became of a request for a glossary. */
export type GlossaryAnswer = ResponseFacts &
  (
    | {
        readonly kind: 'glossary';
        /** In the form of a file of `glossaries/`, which `parseGlossary` reads; never of a higher standing than `machine`. */
        readonly file: Readonly<Record<string, unknown>>;
      }
    /** It does not pass the checks; the problems name entries and quote nothing of the answer. */
    | { readonly kind: 'unusable'; readonly problems: readonly string[] }
    | ResponseFailure
  );

/** A model that calls every term English would switch the check off. */
const MOST_AS_IN_ENGLISH = 20;
const TERMS: ReadonlySet<string> = new Set(
  ENTRY_RULES.filter(({ kind }) => kind === 'term' || kind === 'forms').map(({ name }) => name),
);

/**
 * Turns a Response's body into a glossary, by the same checks as a file's. Never throws on what the model says.
 * @param wanted - as it was asked for
 */
export function parseGlossaryAnswer(body: unknown, wanted: WantedGlossary): GlossaryAnswer {
  const reading = readResponse(body);
  if (reading.kind !== 'text') return reading;
  const facts = factsOf(reading);
  const asked = askedOf(wanted.older);
  const schema = glossarySchema(asked);
  let problems: readonly string[] = ['$: not a JSON object'];
  for (const value of answerValues(reading.texts)) {
    problems = schemaProblems(value, schema);
    if (problems.length === 0) return { ...facts, ...judged(value, asked, wanted) };
  }
  return { ...facts, kind: 'invalid', problems };
}

function judged(value: unknown, asked: readonly AskedText[], wanted: WantedGlossary) {
  const words = wordsFrom(value, asked, wanted);
  const asInEnglish = sameAsEnglish(value, wanted.older);
  const problems = glossaryProblems(words, { english: wanted.english, asInEnglish });
  if (problems.length > 0) return { kind: 'unusable' as const, problems };
  const file = { ...words, ...(asInEnglish.length === 0 ? {} : { as_in_english: asInEnglish }) };
  return { kind: 'glossary' as const, file };
}

function wordsFrom(
  value: unknown,
  asked: readonly AskedText[],
  { tag, english, older }: WantedGlossary,
): Readonly<Record<string, unknown>> {
  const fresh = new Set(asked);
  const words: Record<string, unknown> = {
    tag,
    direction: RIGHT_TO_LEFT.has(scriptOf(tag) ?? '') ? 'rtl' : 'ltr',
    locale: localeOf(tag),
    // Every place is written whole; these only have to be there.
    place: english.place,
  };
  for (const text of everyText()) {
    putAt(
      words,
      text.path,
      fresh.has(text) ? tidied(valueAt(value, text.answerPath), text) : valueAt(older, text.path),
    );
  }
  return words;
}

/** Digits are Latin, as those of the photos' numbers are. */
function localeOf(tag: string): string {
  const latin = new Intl.NumberFormat(tag).resolvedOptions().numberingSystem === 'latn';
  return latin ? tag : `${tag}-u-nu-latn`;
}

/** Composed, and without what a model likes to put around a term; whether it is right is for the checks to say. */
function tidied(value: unknown, { list, mark }: AskedText): unknown {
  if (list) return [...new Set((value as string[]).map((stem) => stem.normalize('NFC').trim()))].filter(Boolean);
  const text = (value as string).normalize('NFC');
  return mark ? text : text.trim();
}

function sameAsEnglish(value: unknown, older: unknown): readonly string[] {
  const named = [valueAt(value, ['as_in_english']), valueAt(older, ['as_in_english'])].flatMap((names) =>
    Array.isArray(names) ? (names as unknown[]) : [],
  );
  const terms = named.filter((name): name is string => typeof name === 'string' && TERMS.has(name));
  return [...new Set(terms)].toSorted().slice(0, MOST_AS_IN_ENGLISH);
}
