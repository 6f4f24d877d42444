import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ambiguitiesOf } from '../../../src/assessment/audit/ambiguity.js';
import { automatonOf } from '../../../src/assessment/audit/automaton.js';
import { collisionsOf } from '../../../src/assessment/audit/collisions.js';
import {
  choice,
  number,
  repeated,
  sequence,
  terms,
  text,
  type Grammar,
} from '../../../src/assessment/audit/grammar.js';
import { plainNumber } from '../../../src/assessment/audit/numbers.js';
import { readText } from '../../../src/assessment/audit/reader.js';
import { read } from '../../../src/assessment/audit/run.js';
import { waysOf } from '../../../src/assessment/audit/ways.js';
import type { Glossary } from '../../../src/assessment/text/glossary.js';
import { glossaries } from './glossaries.js';

/** Collisions that a person has looked at and accepts, by language: the list, and what is read there. Each with its reason. */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {};

describe.each(glossaries)('the glossary of $tag', (glossary) => {
  it('lets nothing be decoded differently but what is accepted by name', () => {
    const found = collisionsOf(glossary).map(({ kind, list, text: words, means }) => {
      return `${kind} in ${list}: "${words}" is ${means.join(' or ')}`;
    });
    expect(found).toEqual(ACCEPTED[glossary.tag] ?? []);
  });
});

describe('a collision', () => {
  const english = glossaries.find(({ tag }) => tag === 'en') as Glossary;
  const with_ = (changes: Partial<Glossary>) => collisionsOf({ ...english, ...changes });
  const part = (name: string) => ({ name });

  it('is a word for two parts', () => {
    const found = with_({ parts: { ...english.parts, rim: part('wheel') } });
    expect(found).toContainEqual({ kind: 'same', list: 'parts', text: 'wheel', means: ['wheel', 'rim'] });
    expect(found.some(({ kind, list }) => kind === 'two_ways' && list === 'items')).toBe(true);
  });

  it('is a place that is written as another', () => {
    const found = with_({ places: { 'door|front|left': 'left rear door' } });
    expect(found.map(({ kind, list, text: words }) => [kind, list, words])).toContainEqual([
      'same',
      'places',
      'left rear door',
    ]);
  });

  it('is a difference in capitals, spaces or marks only', () => {
    const kinds = { ...english.vehicle.kinds, van: 'People-carrier' };
    expect(with_({ vehicle: { ...english.vehicle, kinds } })).toContainEqual({
      kind: 'alike',
      list: 'bodies',
      text: 'People-carrier / people carrier',
      means: ['van', 'mpv'],
    });
  });

  it('is a difference that is gone with the capital at the front', () => {
    const kinds = { ...english.vehicle.kinds, van: 'People carrier' };
    const found = with_({ vehicle: { ...english.vehicle, kinds } });
    expect(found.filter(({ kind }) => kind === 'two_ways').map(({ text: words }) => words)).toContain(
      'People carrier.',
    );
  });

  it('is a term that holds what separates terms', () => {
    const found = with_({ areas: { ...english.areas, roof: 'front, rear' } });
    expect(found).toContainEqual({ kind: 'separator', list: 'areas', text: 'front, rear', means: ['roof'] });
    expect(found).toContainEqual({
      kind: 'two_ways',
      list: 'paragraphs',
      text: 'Only partly visible: front, rear.',
      means: ['front rear (partly_visible)', 'roof (partly_visible)'],
    });
  });

  it('is an end of one damage that reads as the beginning of the next', () => {
    const found = with_({ severities: { ...english.severities, severe: 'minor; dent, minor' } });
    const [witness] = found.filter(({ kind }) => kind === 'two_ways');
    expect(witness?.means[0]).not.toBe(witness?.means[1]);
    expect(
      readText(
        { blocks: [{ kind: 'list', items: [witness?.text ?? ''] }] },
        {
          ...english,
          severities: { ...english.severities, severe: 'minor; dent, minor' },
        },
      ),
    ).toEqual({ unreadable: 'two_ways', at: 0 });
  });

  it('is a run of photos that reads as single ones, and numbers without anything between', () => {
    const twoWays = (photos: Partial<Glossary['photos']>) =>
      with_({ photos: { ...english.photos, ...photos } }).filter(({ kind }) => kind === 'two_ways');
    expect(twoWays({ range: '{from}, {to}' })).not.toEqual([]);
    expect(twoWays({ separator: '' })).not.toEqual([]);
    expect(twoWays({ one: 'photos {n}' })).toEqual([]);
  });

  it('is a sentence that says two things, and one that says nothing', () => {
    const sentences = { ...english.sentences, unconfirmed: english.sentences.nothing_visible_details, simulated: ' ' };
    const found = with_({ sentences });
    expect(found).toContainEqual({ kind: 'empty', list: 'sentences', text: ' ', means: ['simulated'] });
    expect(found.filter(({ kind }) => kind === 'two_ways')).toHaveLength(1);
  });
});

describe('the search for texts with two meanings', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '1'), minLength: 1, maxLength: 3 });
  const list = fc.uniqueArray(word, { minLength: 1, maxLength: 4 });
  const said = (words: readonly string[]): Grammar =>
    terms(words.map((one) => ({ text: one, token: { says: 'listed', code: 'front' } })));
  const grammar: fc.Arbitrary<Grammar> = fc.letrec<{ any: Grammar }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      list.map(said),
      fc.constant(number(plainNumber, 'photo')),
      word.map(text),
      fc.tuple(tie('any'), tie('any')).map((parts) => sequence(...parts)),
      fc.tuple(tie('any'), tie('any')).map((parts) => choice(...parts)),
      fc.tuple(tie('any'), word).map(([item, between]) => repeated(item, between)),
    ),
  })).any;
  const texts = allTexts(['a', 'b', '1'], 6);

  it('finds one whenever trying all short texts finds one', () => {
    fc.assert(
      fc.property(grammar, (any) => {
        const start = automatonOf(any);
        const tried = texts.filter((one) => waysOf(start, one).length > 1);
        const found = exhausted(ambiguitiesOf(start));
        if (tried.length > 0) expect(found).not.toEqual([]);
        for (const { text: one } of found) expect(waysOf(start, one).length).toBeGreaterThan(1);
        for (const one of texts) expect([one, read(start, one).read]).toEqual([one, ofWays(waysOf(start, one).length)]);
      }),
      { numRuns: 150 },
    );
  });
});

function exhausted<T>(steps: Generator<unknown, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

function ofWays(ways: number): string {
  return ways === 0 ? 'never' : ways === 1 ? 'once' : 'in_two_ways';
}

function allTexts(letters: readonly string[], longest: number): readonly string[] {
  let last = [''];
  const all: string[] = [];
  for (let length = 1; length <= longest; length++) {
    last = last.flatMap((start) => letters.map((letter) => start + letter));
    all.push(...last);
  }
  return all;
}
