import { describe, expect, it } from 'vitest';
import { PLAYED_NOTES, WRONGLY_TRANSLATED } from '../../../packages/openai-sandbox/src/cars/played-notes.js';
import { areEnglish, checkNote } from '../../../src/assessment/notes/english-note.js';
import { recogniser } from '../../../src/describe/recogniser.js';
import { DAMAGE_TYPES, type DamageType } from '../../../src/assessment/taxonomy.js';
import { HOSTILE } from '../fixtures.js';
import { glossaries } from '../audit/glossaries.js';
import { RIGHT_NOTES, WRONG_NOTES } from './english-notes.js';

const recognises = await recogniser();

/** The note as it would be published; null where it is refused. */
function published(note: string, type: DamageType = 'dent'): string | null {
  const checked = checkNote(note, type).note;
  return checked !== null && areEnglish([checked], recognises)[0] === true ? checked : null;
}

describe('a note at its source', () => {
  it.each(RIGHT_NOTES)('is kept on a %s: %s', (type, note) => {
    expect(published(note, type)).toBe(note.endsWith('.') ? note : `${note}.`);
  });

  it.each([...PLAYED_NOTES, WRONGLY_TRANSLATED])('is kept as the simulation writes it: $note', ({ note }) => {
    expect(published(note)).toBe(note);
  });

  it.each(Object.entries(WRONG_NOTES).flatMap(([what, notes]) => notes.map((note) => [what, note] as const)))(
    'is refused for its %s: %s',
    (_, note) => {
      expect(published(note)).toBeNull();
    },
  );

  it.each(HOSTILE)('is dropped when it is hostile: %j', (note) => {
    expect(checkNote(note, 'dent')).toEqual({ note: null, reasons: ['suspicious_text'] });
  });

  it('names no part, side, end, severity or forbidden word of the English glossaries', () => {
    for (const { tag, parts, severities, note_words: words } of glossaries.filter((one) => one.tag.startsWith('en'))) {
      const said = [
        ...Object.values(parts).map(({ name }) => name),
        ...Object.values(severities),
        ...[words.sides, words.ends, words.negations, words.forbidden].flat(),
      ];
      const kept = said.filter((word) => published(`The paint ${word} flakes along it.`) !== null);
      expect(kept, tag).toEqual([]);
    }
  });

  it('may name the damage of its row and no other', () => {
    for (const type of Object.keys(DAMAGE_TYPES) as DamageType[]) {
      expect(published('The hole has a soft outline.', type) !== null, type).toBe(
        ['hole', 'tear', 'corrosion'].includes(type),
      );
    }
  });

  it('is empty where the model has nothing to say, and that is no reason for a review', () => {
    expect(['', ' ', '\n'].map((note) => checkNote(note, 'dent'))).toEqual(
      Array.from({ length: 3 }, () => ({ note: null, reasons: [] })),
    );
  });

  it('is dropped unread when it is far too long', () => {
    expect(checkNote('a '.repeat(1_000_000), 'dent')).toEqual({ note: null, reasons: ['suspicious_text'] });
  });

  it('is judged with the others of its lot where it is too short to be judged alone', () => {
    const german = ['Tief gefaltet.', 'Das Blech ist entlang der Kante gefaltet.', 'Der Lack hebt sich ab.'];
    expect(areEnglish(german, recognises)).toEqual([false, false, false]);
    expect(areEnglish(['Oddly folded.', 'The metal is folded along a sharp line.'], recognises)).toEqual([true, true]);
  });

  it('in another language does not cost the English ones', () => {
    const notes = ['The metal is folded along a sharp line.', 'Das Blech ist entlang der Kante gefaltet.'];
    const more = ['The paint lifts in thin flakes.', 'Grey primer shows along the line.'];
    expect(areEnglish([...notes, ...more], recognises)).toEqual([true, false, true, true]);
  });
});
