import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/assessment/audit/audit.js';
import { readText } from '../../../src/assessment/audit/reader.js';
import { differenceOf } from '../../../src/assessment/audit/same.js';
import type { Glossary } from '../../../src/assessment/text/glossary.js';
import { renderText } from '../../../src/assessment/text/render.js';
import type { Statement } from '../../../src/assessment/text/statement.js';
import { everyRow } from './every-row.js';
import { glossaries, runs, THOROUGH } from './glossaries.js';
import { statements } from './statements.js';

/** All rows, which takes minutes, or one of a few hundred, always the same. */
const STEP = THOROUGH ? 1 : 211;
const ROWS_A_TEXT = 400;

describe.each(glossaries)('a text in $tag', (glossary) => {
  it('is read back as the statements that it was made of, in both forms', () => {
    fc.assert(
      fc.property(statements, fc.constantFrom('usual', 'plain'), (all, form) => {
        const text = renderText(all, glossary, form);
        expect(difference(all, readText(text, glossary))).toEqual({ missing: [], added: [] });
        expect(audit(text, all, glossary)).toBeNull();
      }),
      { numRuns: runs(150) },
    );
  });

  it('gives back every row that the taxonomy allows', { timeout: 600_000 }, () => {
    let read = 0;
    let rows: Statement[] = [];
    const readRows = () => {
      const found = readText(renderText(rows, glossary, 'plain'), glossary);
      expect(difference(rows, found)).toEqual({ missing: [], added: [] });
      read += rows.length;
      rows = [];
    };
    for (const row of everyRow(STEP)) {
      rows.push(row);
      if (rows.length === ROWS_A_TEXT) readRows();
    }
    readRows();
    expect(read).toBeGreaterThan(310_000 / STEP);
  });

  it('gives back every statement of the lists beside the damages', () => {
    for (const one of everyOther(glossary).filter((_, index) => THOROUGH || index % 7 === 0)) {
      expect(difference([one], readText(renderText([one], glossary), glossary))).toEqual({ missing: [], added: [] });
    }
  });
});

function difference(wanted: readonly Statement[], found: ReturnType<typeof readText>): unknown {
  return 'unreadable' in found ? found : differenceOf(wanted, found);
}

/** Each vehicle, state, flag, area, reason and sentence by itself. */
function everyOther({ vehicle, flags, areas, issues }: Glossary): readonly Statement[] {
  const keys = <K extends string>(list: Readonly<Record<K, unknown>>) => Object.keys(list) as K[];
  const bodies = [
    { vehicle: null, body: null },
    ...keys(vehicle.kinds).map((kind) => ({ vehicle: kind, body: null })),
    ...keys(vehicle.bodies).map((body) => ({ vehicle: null, body })),
  ];
  const vehicles = bodies.flatMap((body) =>
    [null, ...keys(vehicle.colours)].flatMap((colour) =>
      [null, ...keys(vehicle.doors)].map((doors) => ({ kind: 'vehicle' as const, ...body, colour, doors })),
    ),
  );
  const shown = [[], [1], [1, 2], [1, 2, 3], [2, 4, 5, 6, 9]];
  return [
    // The first knows nothing and is not written.
    ...vehicles.slice(1),
    ...[0, 7, 999, 1_000, 9_999, 10_000, 84_512, 123_456, 1_234_567].flatMap((value) =>
      (['km', 'mi', null] as const).map((unit) => ({ kind: 'odometer' as const, value, unit })),
    ),
    ...shown.flatMap((photos) => [
      ...keys(vehicle.interior).map((state) => ({ kind: 'interior' as const, state, photos })),
      ...keys(vehicle.tyres).map((state) => ({ kind: 'tyres' as const, state, photos })),
      ...keys(flags).map((flag) => ({ kind: 'flag' as const, flag, photos })),
    ]),
    ...(['nothing_visible', 'partly_visible', 'not_visible'] as const).flatMap((kind) =>
      subsets(keys(areas)).map((list) => ({ kind, areas: list })),
    ),
    ...subsets(keys(issues)).map((reasons) => ({ kind: 'not_assessable' as const, reasons })),
    { kind: 'nothing_visible', areas: [] },
    { kind: 'not_assessable', reasons: [] },
    { kind: 'unconfirmed' },
    { kind: 'limits' },
    { kind: 'simulated' },
  ];
}

/** All but the empty one. */
function subsets<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: 2 ** list.length - 1 }, (_, index) =>
    list.filter((_item, bit) => ((index + 1) & (1 << bit)) !== 0),
  );
}
