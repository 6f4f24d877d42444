import { describe, expect, it } from 'vitest';
import { PLAYED_NOTES, translatedNote } from '../../../packages/openai-sandbox/src/cars/played-notes.js';
import { recogniser } from '../../../src/describe/recogniser.js';
import { checkTranslatedNotes, type SourceNote } from '../../../src/assessment/notes/translated-note.js';
import type { DamageType } from '../../../src/assessment/taxonomy.js';
import type { Glossary } from '../../../src/assessment/text/glossary.js';
import { glossaries } from '../audit/glossaries.js';
import { WRONG_TRANSLATIONS } from './wrong-translations.js';

const recognises = await recogniser();
const OTHERS = glossaries.filter(({ tag }) => !tag.startsWith('en'));

function glossaryOf(tag: string): Glossary {
  const found = glossaries.find((glossary) => glossary.tag === tag);
  if (found === undefined) throw new Error(`no glossary ${tag}`);
  return found;
}

function check(tag: string, sources: readonly SourceNote[], targets: readonly string[]) {
  return checkTranslatedNotes(sources, targets, glossaryOf(tag), recognises);
}

/** The types whose rows the simulation writes its sentences on, in their order. */
const TYPES: readonly DamageType[] = ['wear', 'dent', 'scratch', 'crack', 'corrosion'];

describe('a translated note', () => {
  it('is tried in enough wrong ways', () => {
    expect(WRONG_TRANSLATIONS.length).toBeGreaterThanOrEqual(62);
  });

  it.each(WRONG_TRANSLATIONS)('is refused in %s with %s', (tag, _, type, note, translation) => {
    expect(check(tag, [{ note, type }], [translation])).toEqual([{ refused: expect.any(String) }]);
  });

  it.each(OTHERS.map(({ tag }) => tag))('is taken in %s when it is right, without its full stop', (tag) => {
    const sources = PLAYED_NOTES.map(({ note }, index) => ({ note, type: TYPES[index] ?? 'dent' }));
    const targets = sources.map(({ note }) => translatedNote(note, tag) ?? '');
    expect(check(tag, sources, targets)).toEqual(targets.map((target) => ({ note: target.replace(/[.。]$/, '') })));
  });

  it('costs the others nothing when it is refused', () => {
    const sources: SourceNote[] = [
      { note: 'A pale line in the paint.', type: 'scratch' },
      { note: 'The paint lifts in flakes.', type: 'corrosion' },
    ];
    expect(check('de', sources, ['Links eine Linie im Lack.', 'Der Lack hebt sich in Schuppen ab.'])).toEqual([
      { refused: 'sides' },
      { note: 'Der Lack hebt sich in Schuppen ab' },
    ]);
  });

  it.each(OTHERS.map(({ tag }) => tag))('holds no degree of %s, whatever noun the degrees share', (tag) => {
    const { minor, moderate, severe } = glossaryOf(tag).severities;
    const note = { note: 'A pale line in the paint.', type: 'scratch' } as const;
    const right = (translatedNote(note.note, tag) ?? '').replace(/[.。]$/, '');
    const shared = minor.split(' ').filter((word) => severe.split(' ').includes(word));
    for (const degree of [minor, moderate, severe]) {
      const alone = degree.split(' ').filter((word) => !shared.includes(word));
      expect(check(tag, [note], [`${right} ${alone.join(' ')}`])).toEqual([{ refused: 'severities' }]);
    }
  });

  it('holds no entry of its glossary’s lists, wherever it stands and however it is capitalised', () => {
    for (const glossary of OTHERS) {
      const upper = (word: string) => word.toLocaleUpperCase(glossary.locale);
      for (const list of ['sides', 'ends', 'negations', 'forbidden'] as const) {
        for (const word of glossary.note_words[list]) {
          const note = { note: 'A pale line in the paint.', type: 'scratch' } as const;
          const right = (translatedNote(note.note, glossary.tag) ?? '').replace(/[.。]$/, '');
          const said = [`${right} ${word}`, `${word} ${right}`, `${right} ${upper(word)}`];
          expect(said.flatMap((text) => check(glossary.tag, [note], [text]).filter((one) => 'note' in one))).toEqual(
            [],
          );
        }
      }
    }
  });

  it('never fails, whatever the model writes', () => {
    const source: SourceNote = { note: 'A pale line in the paint.', type: 'scratch' };
    for (const target of ['\u0000', '\uD800', 'a'.repeat(1_000_000), '(((((((((', '\u202Eabc', '🚗', '\n\n']) {
      expect(check('de', [source], [target])).toEqual([{ refused: expect.any(String) }]);
    }
    expect(check('de', [source], [])).toEqual([{ refused: 'empty' }]);
  });
});
