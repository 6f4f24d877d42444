import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DICTIONARIES, unknownWords } from '../support/spelling.js';

const glossaries = join(import.meta.dirname, '..', '..', 'glossaries');

/** Dictionaries that are read in about a second. `SPELLING=all` takes the others too (a minute and 1.5 GB), `SPELLING=lt` one. */
const QUICK = ['en', 'en-US', 'de', 'es', 'nl', 'ro', 'ru', 'tr'];
const asked = process.env['SPELLING'] ?? '';
const tags = Object.keys(DICTIONARIES)
  .filter((tag) => (asked === '' ? QUICK.includes(tag) : asked === 'all' || asked === tag))
  .filter((tag) => existsSync(join(glossaries, `${tag}.json`)));

/** Words that are right and in no dictionary: the trade's own, compounds, one a line in `trade-words/<tag>.txt`. */
function tradeWords(tag: string): ReadonlySet<string> {
  const file = join(import.meta.dirname, 'trade-words', `${tag}.txt`);
  return new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
}

describe('the spelling of', () => {
  it.each(tags)(
    '%s is known to its dictionary, or to the list of trade words',
    (tag) => {
      const glossary: unknown = JSON.parse(readFileSync(join(glossaries, `${tag}.json`), 'utf8'));
      const accepted = tradeWords(tag);
      const unknown = unknownWords(glossary, DICTIONARIES[tag] as string);
      expect(unknown.filter((word) => !accepted.has(word))).toEqual([]);
    },
    120_000,
  );

  it('a mistyped word is unknown', () => {
    expect(unknownWords({ types: { dent: 'dennt', scratch: 'scratch' } }, 'dictionary-en-gb')).toEqual(['dennt']);
  });
});
