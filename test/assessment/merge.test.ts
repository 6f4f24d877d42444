import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckedRow } from '../../src/assessment/checks.js';
import { COUNTS, EXTENTS, THROUGH, ZONES } from '../../src/assessment/damage-details.js';
import { mergeRows } from '../../src/assessment/merge.js';
import { codesOf, normalizePlace } from '../../src/assessment/part-rules.js';
import { SEVERITIES } from '../../src/assessment/taxonomy.js';

const photo = (number: number) => ({ number, url: `https://cdn.test/${number}.jpg` });
const seenIn = (number: number, position = 'middle'): Pick<CheckedRow, 'photos' | 'seen'> => ({
  photos: [photo(number)],
  seen: { spots: [`${number}:${position}`], sideShown: true, closeUp: false },
});
const dent: CheckedRow = {
  part: 'door',
  side: 'left',
  end: 'front',
  type: 'dent',
  severity: 'minor',
  confidence: 'medium',
  zone: 'unknown',
  extent: 'unknown',
  count: 'one',
  through: 'none',
  description: 'Small.',
  reasons: [],
  ...seenIn(1),
};

describe('mergeRows', () => {
  it('makes one finding of the same damage in several photos, the higher severity and its note', () => {
    const merged = mergeRows([
      { ...dent, ...seenIn(3) },
      { ...dent, severity: 'moderate', confidence: 'high', description: 'Large.' },
    ]);
    expect(merged).toMatchObject([
      {
        severity: 'moderate',
        description: 'Large.',
        photos: [photo(1), photo(3)],
        // They disagreed: high becomes medium.
        confidence: 'medium',
        reasons: ['severity_contradiction'],
      },
    ]);
  });

  it('does not take an unknown severity for a contradiction', () => {
    const [merged] = mergeRows([dent, { ...dent, severity: 'unknown', ...seenIn(2) }]);
    expect(merged).toMatchObject({ severity: 'minor', reasons: [], photos: [photo(1), photo(2)] });
  });

  it.each([{ side: 'right' }, { end: 'rear' }, { type: 'scratch' }, { part: 'fender' }] as const)(
    'keeps rows apart that differ in %j',
    (difference) => {
      expect(mergeRows([dent, { ...dent, ...difference, ...seenIn(1, 'right') }])).toHaveLength(2);
      expect(mergeRows([dent, { ...dent, ...difference, ...seenIn(2) }])).toHaveLength(2);
    },
  );

  it.each([{ severity: 'severe' }, { zone: 'edge' }, { extent: 'hand' }, seenIn(1, 'left')] as const)(
    'keeps two damages of one photo apart that differ in %j',
    (difference) => {
      const first: CheckedRow = { ...dent, zone: 'middle', extent: 'spot' };
      expect(mergeRows([first, { ...first, ...difference }])).toHaveLength(2);
    },
  );

  it('keeps a small and a deep dent of one door apart, in one photo and in two', () => {
    expect(mergeRows([dent, { ...dent, severity: 'severe' }]).map(({ reasons }) => reasons)).toEqual([[], []]);
    expect(mergeRows([dent, { ...dent, severity: 'severe', ...seenIn(2) }])).toHaveLength(2);
  });

  it('makes one of a row that is told twice, and of a damage whose words differ from photo to photo', () => {
    expect(mergeRows([dent, dent])).toHaveLength(1);
    const scratch: CheckedRow = { ...dent, type: 'scratch', zone: 'edge', extent: 'hand' };
    const scuff: CheckedRow = { ...scratch, type: 'scuff', zone: 'lower_half', extent: 'long', ...seenIn(2) };
    expect(mergeRows([scratch, scuff])).toMatchObject([{ zone: 'unknown', extent: 'long' }]);
    expect(mergeRows([scratch, { ...scuff, zone: 'middle' }])).toHaveLength(2);
    expect(mergeRows([scratch, { ...scuff, extent: 'whole_part' }])).toHaveLength(2);
  });

  it('never makes one of two parts without a name', () => {
    const gone: CheckedRow = { ...dent, part: 'other', side: 'n/a', end: 'n/a', type: 'missing_part' };
    expect(mergeRows([gone, gone, { ...gone, ...seenIn(2) }])).toHaveLength(3);
  });

  it('keeps a doubt that another row does not have', () => {
    const doubtful: CheckedRow = { ...dent, confidence: 'low', reasons: ['side_contradicts_view'], ...seenIn(2) };
    const merged = mergeRows([{ ...dent, confidence: 'high' }, doubtful]);
    expect(merged).toMatchObject([{ confidence: 'low', reasons: ['side_contradicts_view'] }]);
  });

  it('joins a row of unknown side to the only twin that shares a photo', () => {
    const unknown: CheckedRow = { ...dent, side: 'unknown', photos: [photo(1), photo(2)] };
    expect(mergeRows([unknown, dent])).toMatchObject([{ side: 'left', photos: [photo(1), photo(2)], reasons: [] }]);
    const right: CheckedRow = {
      ...dent,
      side: 'right',
      photos: [photo(2)],
      seen: { ...dent.seen, spots: ['2:middle'] },
    };
    expect(mergeRows([unknown, dent, right])).toHaveLength(3);
    expect(mergeRows([{ ...unknown, ...seenIn(9) }, dent])).toHaveLength(2);
  });

  it('joins a close-up to the only row that it can mean', () => {
    const closeUp: CheckedRow = {
      ...dent,
      side: 'unknown',
      ...seenIn(9),
      seen: { spots: ['9:middle'], sideShown: false, closeUp: true },
    };
    expect(mergeRows([closeUp, dent])).toMatchObject([{ side: 'left', photos: [photo(1), photo(9)] }]);
    expect(mergeRows([closeUp, dent, { ...dent, side: 'right', ...seenIn(2) }])).toHaveLength(3);
  });

  it('makes one damage of unknown side of left and right in the same place', () => {
    const wrong: CheckedRow = { ...dent, side: 'right', confidence: 'low', reasons: ['side_contradicts_view'] };
    expect(mergeRows([dent, wrong])).toMatchObject([
      { side: 'unknown', reasons: ['side_contradicts_view', 'side_contradiction'], confidence: 'low' },
    ]);
    const there: CheckedRow = { ...dent, zone: 'corner', extent: 'spot', seen: { ...dent.seen, sideShown: false } };
    const mirrored: CheckedRow = { ...there, side: 'right', ...seenIn(2), seen: { ...there.seen, spots: ['2:left'] } };
    expect(mergeRows([there, mirrored])).toMatchObject([{ side: 'unknown', reasons: ['side_contradiction'] }]);
  });

  it('keeps left and right apart where photos of both sides show both', () => {
    const rash: CheckedRow = { ...dent, part: 'rim', type: 'curb_rash', zone: 'edge', extent: 'long' };
    expect(mergeRows([rash, { ...rash, side: 'right', ...seenIn(2) }])).toHaveLength(2);
  });

  const anyRow = fc
    .record({
      part: fc.constantFrom('door', 'bumper', 'roof', 'headlight', 'other'),
      side: fc.constantFrom('left', 'right', 'center', 'unknown', 'n/a'),
      end: fc.constantFrom('front', 'rear', 'n/a'),
      type: fc.constantFrom('dent', 'scratch', 'scuff'),
      severity: fc.constantFrom('minor', 'moderate', 'severe', 'unknown'),
      confidence: fc.constantFrom('low', 'medium', 'high'),
      zone: fc.constantFrom(...codesOf(ZONES)),
      extent: fc.constantFrom(...codesOf(EXTENTS)),
      count: fc.constantFrom(...codesOf(COUNTS)),
      through: fc.constantFrom(...codesOf(THROUGH)),
      description: fc.option(fc.constantFrom('One.', 'Two.')),
      photos: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
      position: fc.constantFrom('left', 'middle', 'right'),
      sideShown: fc.boolean(),
      closeUp: fc.boolean(),
      reasons: fc.constantFrom([], ['part_not_visible'], ['side_contradicts_view'], ['severity_contradiction']),
    } as const)
    .map(
      ({ photos, position, sideShown, closeUp, ...row }) =>
        ({
          ...row,
          ...normalizePlace(row),
          photos: photos.map(photo),
          seen: { spots: photos.slice(0, 1).map((number) => `${number}:${position}`), sideShown, closeUp },
        }) as unknown as CheckedRow,
    );

  it('changes nothing when it is done again', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 12 }), (list) => {
        const once = mergeRows(list);
        expect(mergeRows(once)).toEqual(once);
      }),
      { numRuns: 1000 },
    );
  });

  it('loses no photo, part, severity or doubt, and makes no damage surer than its surest row', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 12 }), (list) => {
        const merged = mergeRows(list);
        expect(merged.length).toBeLessThanOrEqual(list.length);
        for (const row of list) {
          const home = merged.find(
            (other) =>
              other.part === row.part &&
              SEVERITIES[other.severity].rank >= SEVERITIES[row.severity].rank &&
              row.reasons.every((reason) => other.reasons.includes(reason)) &&
              row.photos.every(({ number }) => other.photos.some((shown) => shown.number === number)),
          );
          expect(home).toBeDefined();
        }
        const known = (side: string) => side === 'left' || side === 'right' || side === 'center';
        for (const row of merged) {
          const same = list.filter(({ part }) => part === row.part);
          expect(same.some(({ type }) => type === row.type)).toBe(true);
          if (known(row.side)) expect(same.some(({ side }) => side === row.side)).toBe(true);
        }
      }),
    );
  });
});
