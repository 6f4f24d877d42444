import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckedRow } from '../../src/assessment/checks.js';
import { mergeRows } from '../../src/assessment/merge.js';
import { normalizePlace } from '../../src/assessment/part-rules.js';
import { SEVERITIES } from '../../src/assessment/taxonomy.js';

const photo = (number: number) => ({ number, url: `https://cdn.test/${number}.jpg` });
const dent: CheckedRow = {
  part: 'door',
  side: 'left',
  end: 'front',
  type: 'dent',
  severity: 'minor',
  confidence: 'medium',
  description: 'Small.',
  photos: [photo(1)],
  reasons: [],
};

describe('mergeRows', () => {
  it('makes one finding of the same damage in several photos, the highest severity and its text', () => {
    const merged = mergeRows([
      { ...dent, photos: [photo(3)] },
      { ...dent, severity: 'severe', confidence: 'high', description: 'Large.', photos: [photo(1), photo(3)] },
    ]);
    expect(merged).toEqual([
      {
        ...dent,
        severity: 'severe',
        description: 'Large.',
        photos: [photo(1), photo(3)],
        // They disagreed: high becomes medium.
        confidence: 'medium',
        reasons: ['severity_contradiction'],
      },
    ]);
  });

  it('does not take an unknown severity for a contradiction', () => {
    const [merged] = mergeRows([dent, { ...dent, severity: 'unknown', photos: [photo(2)] }]);
    expect(merged).toMatchObject({ severity: 'minor', reasons: [], photos: [photo(1), photo(2)] });
  });

  it.each([{ side: 'right' }, { end: 'rear' }, { type: 'scratch' }, { part: 'fender' }] as const)(
    'keeps rows apart that differ in %j',
    (difference) => {
      expect(mergeRows([dent, { ...dent, ...difference }])).toHaveLength(2);
    },
  );

  it('joins a row of unknown side to the only twin that shares a photo', () => {
    const unknown: CheckedRow = { ...dent, side: 'unknown', photos: [photo(1), photo(2)] };
    expect(mergeRows([unknown, dent])).toEqual([{ ...dent, photos: [photo(1), photo(2)] }]);
    expect(mergeRows([unknown, dent, { ...dent, side: 'right' }])).toHaveLength(3);
    expect(mergeRows([{ ...unknown, photos: [photo(9)] }, dent])).toHaveLength(2);
  });

  const anyRow = fc
    .record({
      part: fc.constantFrom('door', 'bumper', 'roof', 'headlight'),
      side: fc.constantFrom('left', 'right', 'center', 'unknown', 'n/a'),
      end: fc.constantFrom('front', 'rear', 'n/a'),
      type: fc.constantFrom('dent', 'scratch'),
      severity: fc.constantFrom('minor', 'moderate', 'severe', 'unknown'),
      confidence: fc.constantFrom('low', 'medium', 'high'),
      description: fc.option(fc.constantFrom('One.', 'Two.')),
      photos: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1 }).map((list) => list.map(photo)),
      reasons: fc.constantFrom([], ['part_not_visible'], ['suspicious_text']),
    } as const)
    .map((row) => ({ ...row, ...normalizePlace(row) }) as CheckedRow);

  it('changes nothing when it is done again', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 12 }), (list) => {
        const once = mergeRows(list);
        expect(mergeRows(once)).toEqual(once);
      }),
    );
  });

  it('loses no photo, part or severity, and leaves no two rows of one place and type', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 12 }), (list) => {
        const merged = mergeRows(list);
        const keys = merged.map(({ part, side, end, type }) => [part, side, end, type].join());
        expect(new Set(keys).size).toBe(keys.length);
        for (const row of list) {
          const home = merged.find(
            (other) =>
              other.part === row.part &&
              other.end === row.end &&
              other.type === row.type &&
              SEVERITIES[other.severity].rank >= SEVERITIES[row.severity].rank &&
              (other.side === row.side || row.side === 'unknown') &&
              row.photos.every(({ number }) => other.photos.some((shown) => shown.number === number)),
          );
          expect(home).toBeDefined();
        }
      }),
    );
  });
});
