import { SCRIPTS } from '../language-list.js';
import { canonicalTag, scriptOf } from '../languages.js';
import { addsMarkupOrLink, cleanText } from '../model-text.js';
import type { DamageType } from '../taxonomy.js';
import { ONLY_SIMPLIFIED, ONLY_TRADITIONAL } from '../text/glossary-words.js';
import type { Glossary } from '../text/glossary.js';
import { relatedTypes } from './english-words.js';
import { numberWords } from './number-words.js';
import type { Recogniser } from './recogniser.js';
import { UNSPACED, wordList, wordsOf, type WordList, type Writing } from './word-list.js';

/** An English note that passed its own check, and the damage type of its row. */
export interface SourceNote {
  readonly note: string;
  readonly type: DamageType;
}

/** Why a translated note is left out of a language's text. */
type NoteProblem =
  | 'empty'
  | 'not_translated'
  | 'sentence'
  | 'digits'
  | 'markup'
  | 'length'
  | 'script'
  | 'sides'
  | 'ends'
  | 'negations'
  | 'forbidden'
  | 'numbers'
  | 'parts'
  | 'severities'
  | 'types'
  | 'language';

/** A translated note without the full stop at its end, or why there is none. */
export type TranslatedNote = { readonly note: string } | { readonly refused: NoteProblem };

/**
 * Judges the translations of a lot's notes into one language, each by itself: a refused one costs the others nothing, and the
 * facts stand in any case. That they are in the right language is judged of all that passed together as well.
 * @param targets - as many as the sources, as the model wrote them
 * @param glossary - of the language they are for
 */
export function checkTranslatedNotes(
  sources: readonly SourceNote[],
  targets: readonly string[],
  glossary: Glossary,
  recogniser: Recogniser,
): readonly TranslatedNote[] {
  const each = sources.map((source, index) => checkOne(source, targets[index] ?? '', glossary, recogniser));
  const passed = each.flatMap((one) => ('note' in one ? [one.note] : []));
  const foreign = passed.length > 1 && isOtherLanguage(passed.join('. '), glossary, recogniser);
  return foreign ? each.map((one) => ('note' in one ? { refused: 'language' } : one)) : each;
}

/** A string that is this much longer than its source is no translation; it is refused before anything looks into it. */
const MOST_RAW = { times: 16, characters: 1_000 };

function checkOne(source: SourceNote, target: string, glossary: Glossary, recogniser: Recogniser): TranslatedNote {
  if (target.length > MOST_RAW.times * source.note.length + MOST_RAW.characters) return { refused: 'length' };
  const text = cleanText(target);
  const note = text.replace(FULL_STOP, '').trim();
  const problem = formProblem(note, source, glossary) ?? wordProblem(note, source.type, glossary);
  if (problem !== null) return { refused: problem };
  return isOtherLanguage(note, glossary, recogniser) ? { refused: 'language' } : { note };
}

const FULL_STOP = /[.!。．！。।።։۔]$/u;
/** Marks that end a sentence, or begin something that is none: one of them inside is a second sentence, or no sentence. */
const SENTENCE_MARK = /[.!?;…‥。．！？；；؛؟।॥።፧։۔៕။\n]/u;
/** Everything that a sentence of words may hold; marks of quotation, brackets and symbols are not among it. */
const ALLOWED = /^(?:[\p{L}\p{M}\p{Zs},:'’ʼ\-–—‑·・،、，：]|\u200C|\u200D)+$/u;

function formProblem(note: string, source: SourceNote, glossary: Glossary): NoteProblem | null {
  if (note === '') return 'empty';
  if (wordsOf(note, writingOf(glossary)).join() === wordsOf(source.note, writingOf(glossary)).join()) {
    return 'not_translated';
  }
  if (/\p{N}/u.test(note)) return 'digits';
  if (addsMarkupOrLink(note, source.note)) return 'markup';
  if (SENTENCE_MARK.test(note) || !ALLOWED.test(note)) return 'sentence';
  // "Here is the translation: …"
  if (/[:：]/u.test(note) && !source.note.includes(':')) return 'sentence';
  if (!lengthFits(note, source.note, glossary)) return 'length';
  return isWritten(note, glossary) ? null : 'script';
}

/** Scripts of which a few characters say what English takes a line for. */
const DENSE = new Set(['Hans', 'Hant', 'Jpan', 'Kore']);

function lengthFits(note: string, source: string, { tag }: Glossary): boolean {
  const ratio = Array.from(note).length / source.length;
  if (DENSE.has(scriptOf(tag) ?? '')) return ratio >= 0.08 && ratio <= 1.2;
  return ratio >= 0.35 && Array.from(note).length <= 2 * source.length + 15;
}

/** Letters that a language of the same script as its neighbour does not have. */
const NOT_OF: Readonly<Record<string, RegExp>> = {
  be: /[ищъ]/iu,
  bg: /[ыэёіїєў]/iu,
  ru: /[іїєґўђјљњћџ]/iu,
  sr: /[ыэъёйщюяіїєґ]/iu,
  uk: /[ыэъёў]/iu,
  'zh-Hans': new RegExp(`${ONLY_TRADITIONAL.source}`, 'u'),
  'zh-Hant': new RegExp(`${ONLY_SIMPLIFIED.source}`, 'u'),
};

/** Every letter is of the language's script; a word left in Latin letters is one that was not translated. */
function isWritten(note: string, { tag }: Glossary): boolean {
  const script = scriptOf(tag) ?? '';
  const letters = SCRIPTS[script]?.letters;
  if (letters === undefined) return false;
  const all = note.match(/\p{L}/gu) ?? [];
  // A lengthening mark of kana belongs to several scripts.
  const own = note.match(script === 'Jpan' ? JAPANESE : letters) ?? [];
  // Japanese without kana is Chinese.
  const japanese = script !== 'Jpan' || /[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(note);
  const wrong = NOT_OF[tag] ?? NOT_OF[languageOf(tag)];
  return all.length > 0 && own.length >= all.length && japanese && wrong?.test(note) !== true;
}

const JAPANESE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー々]/gu;

interface NoteWords {
  readonly lists: readonly (readonly [NoteProblem, WordList])[];
  /** Damage types that are not of the row's kind, by its type. */
  readonly types: Map<DamageType, WordList>;
}

const known = new WeakMap<Glossary, NoteWords>();

function wordProblem(note: string, type: DamageType, glossary: Glossary): NoteProblem | null {
  const words = noteWordsOf(glossary);
  const found = words.lists.find(([, list]) => list.find(note) !== null);
  if (found !== undefined) return found[0];
  const others = words.types.get(type) ?? otherTypes(type, glossary);
  words.types.set(type, others);
  return others.find(note) === null ? null : 'types';
}

function noteWordsOf(glossary: Glossary): NoteWords {
  const made = known.get(glossary);
  if (made !== undefined) return made;
  const writing = writingOf(glossary);
  const { note_words: stems, parts, severities } = glossary;
  const words: NoteWords = {
    lists: [
      ['sides', wordList(stems.sides, writing)],
      ['ends', wordList(stems.ends, writing)],
      ['negations', wordList(stems.negations, writing)],
      ['forbidden', wordList(stems.forbidden, writing)],
      ['numbers', wordList(numberWords(languageOf(glossary.tag)), writing, 'words')],
      [
        'parts',
        termList(
          Object.values(parts).map(({ name }) => name),
          writing,
        ),
      ],
      [
        'severities',
        termList(
          Object.values(severities).map((term) => tellingWordsOf(term, Object.values(severities), writing)),
          writing,
        ),
      ],
    ],
    types: new Map(),
  };
  known.set(glossary, words);
  return words;
}

function otherTypes(type: DamageType, glossary: Glossary): WordList {
  const related = relatedTypes(type);
  const terms = (Object.keys(glossary.types) as DamageType[])
    .filter((other) => !related.has(other))
    .map((other) => glossary.types[other]);
  return termList(terms, writingOf(glossary));
}

/** Of "лёгкая степень" the word that no other degree has: the noun may stand before or after it, and alone says nothing. */
function tellingWordsOf(term: string, terms: readonly string[], writing: Writing): string {
  if (UNSPACED.has(writing.script)) return term;
  const others = terms.filter((other) => other !== term).map((other) => new Set(wordsOf(other, writing)));
  const telling = wordsOf(term, writing).filter((word) => !others.some((words) => words.has(word)));
  return telling.at(-1) ?? '';
}

/** Terms stand in the nominative: of a longer word the ending is left off, so that its other cases are found too. */
function termList(terms: readonly string[], writing: Writing): WordList {
  if (UNSPACED.has(writing.script)) return wordList(terms, writing);
  const stems = terms.map((term) =>
    wordsOf(term, writing)
      .map((word) => {
        const letters = Array.from(word);
        return letters.length < 5 ? word : letters.slice(0, letters.length < 7 ? -1 : -2).join('');
      })
      .join(' '),
  );
  return wordList(
    stems.filter((stem) => stem !== ''),
    writing,
  );
}

function writingOf({ tag, locale }: Glossary): Writing {
  return { locale, script: scriptOf(tag) ?? '' };
}

function languageOf(tag: string): string {
  return new Intl.Locale(canonicalTag(tag) ?? tag).language;
}

/** Names of the recogniser's own, and languages that are too like each other to be told apart by a sentence. */
const RECOGNISED_AS: Readonly<Record<string, readonly string[]>> = {
  bs: ['hr', 'sr'],
  cs: ['cs', 'sk'],
  da: ['da', 'no'],
  fil: ['tl'],
  hr: ['hr', 'sr', 'sl'],
  id: ['ms'],
  nb: ['no', 'da'],
  nn: ['no', 'da'],
  sk: ['sk', 'cs'],
  sr: ['sr', 'hr'],
};
const FEWEST_LETTERS = 15;

/**
 * Is a text in another language than it should be? Sure answers of the recogniser only; where it does not know the language that is
 * due, only English is told.
 */
function isOtherLanguage(text: string, { tag }: Glossary, { recognise, languages }: Recogniser): boolean {
  const language = languageOf(tag);
  const due = RECOGNISED_AS[language] ?? [language];
  if (Array.from(text).length < FEWEST_LETTERS && !DENSE.has(scriptOf(tag) ?? '')) return false;
  const { language: found } = recognise(text);
  if (found === null || due.includes(found)) return false;
  return due.some((one) => languages.has(one)) || found === 'en';
}
