import fc from 'fast-check';
import { EXTENTS, THROUGH, ZONES } from '../../../src/assessment/damage-details.js';
import { LOT_FLAGS, PHOTO_ISSUES } from '../../../src/assessment/lot-flags.js';
import { codesOf, fixedWeight, normalizePlace } from '../../../src/assessment/part-rules.js';
import { AREAS, DAMAGE_TYPES, ENDS, PARTS, SEVERITIES, SIDES, type Area } from '../../../src/assessment/taxonomy.js';
import type { DamageStatement, Statement, VehicleStatement } from '../../../src/assessment/text/statement.js';
import { BODIES, COLOURS, DOOR_COUNTS, INTERIOR_STATES, TYRE_STATES } from '../../../src/assessment/vehicle.js';

/** What any text may say, by the closed lists: the generators of the property tests. */

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);
const known = <T extends string>(values: readonly T[]) =>
  oneOf(values.filter((value): value is Exclude<T, 'unknown' | 'none'> => value !== 'unknown' && value !== 'none'));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

export const photos = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 8 })
  .map((numbers) => numbers.toSorted((a, b) => a - b));

const vehicle = fc
  .record({
    vehicle: maybe(oneOf(['car', 'van', 'truck'] as const)),
    body: maybe(known(BODIES)),
    colour: maybe(known(COLOURS)),
    doors: maybe(known(DOOR_COUNTS)),
  })
  // A body says what kind it is.
  .map((parts): VehicleStatement => ({
    kind: 'vehicle',
    ...parts,
    vehicle: parts.body === null ? parts.vehicle : null,
  }))
  .filter((line) => [line.vehicle, line.body, line.colour, line.doors].some((value) => value !== null));

const odometer = fc.record({
  kind: fc.constant('odometer' as const),
  value: fc.oneof(fc.integer({ min: 0, max: 9_999_999 }), fc.integer({ min: 0, max: 2_000 })),
  unit: oneOf(['km', 'mi', null] as const),
});
const interior = fc.record({ kind: fc.constant('interior' as const), state: known(INTERIOR_STATES), photos });
const tyres = fc.record({ kind: fc.constant('tyres' as const), state: known(TYRE_STATES), photos });

const flags = fc
  .uniqueArray(oneOf(codesOf(LOT_FLAGS)), { maxLength: 4 })
  .chain((names) =>
    fc
      .tuple(...names.map(() => photos))
      .map((shown) =>
        inOrder(names, GRAVEST).map((flag, index) => ({ kind: 'flag' as const, flag, photos: shown[index] ?? [] })),
      ),
  );
const GRAVEST = [
  ...new Set(['airbags_deployed', 'structural_suspected', 'fire', 'flood_signs', ...codesOf(LOT_FLAGS)] as const),
];

export const damage = fc
  .record({
    part: oneOf(codesOf(PARTS)),
    side: oneOf(SIDES),
    end: oneOf(ENDS),
    type: oneOf(codesOf(DAMAGE_TYPES)),
    severity: oneOf(codesOf(SEVERITIES)),
    zone: maybe(known(codesOf(ZONES))),
    extent: maybe(known(codesOf(EXTENTS))),
    count: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 60 }), oneOf(['few', 'many'] as const)),
    through: maybe(known(codesOf(THROUGH))),
    possible: fc.boolean(),
    photos,
  })
  .map((row): DamageStatement => {
    const severity = fixedWeight(row.type) === null ? row.severity : null;
    return { kind: 'damage', ...row, severity, ...normalizePlace(row) };
  });

/** Few kinds of damage on many parts, so that damages share an item. */
const likeDamages = fc
  .record({
    like: fc.array(damage, { minLength: 1, maxLength: 3 }),
    on: fc.array(damage, { minLength: 13, maxLength: 30 }),
  })
  .map(({ like, on }) =>
    on.map((row, index): DamageStatement => {
      const { type, severity, zone, extent, through, possible } = like[index % like.length] ?? row;
      return { ...row, type, severity, zone, extent, through, possible };
    }),
  );

const damages = fc
  .oneof({ arbitrary: fc.array(damage, { maxLength: 8 }), weight: 3 }, { arbitrary: likeDamages, weight: 1 })
  // Rows that differ in number and photos only are one statement.
  .map((rows) => [...new Map(rows.map((row) => [JSON.stringify({ ...row, count: 0, photos: 0 }), row])).values()]);

/** Everything that one text may say, in the order in which statements are made. */
export const statements: fc.Arbitrary<readonly Statement[]> = fc
  .record({
    line: fc.tuple(maybe(vehicle), maybe(odometer), maybe(interior), maybe(tyres)),
    flags,
    damages,
    unconfirmed: fc.boolean(),
    assessable: fc.boolean(),
    reasons: fc.subarray([...codesOf(PHOTO_ISSUES)]),
    areas: fc.tuple(...codesOf(AREAS).map(() => oneOf(['shown', 'partly', 'not', 'damaged'] as const))),
    simulated: fc.boolean(),
  })
  .map(({ line, flags: raised, damages: rows, unconfirmed, assessable, reasons, areas, simulated }) => {
    const silent = raised.length === 0 && rows.length === 0;
    const damaged = new Set(rows.map(areaOf));
    const areasOf = (status: string) =>
      codesOf(AREAS).filter((area, index) => areas[index] === status && !damaged.has(area));
    const named = (kind: 'partly_visible' | 'not_visible', list: readonly Area[]): readonly Statement[] =>
      list.length === 0 || !assessable ? [] : [{ kind, areas: list }];
    return [
      ...line.filter((part) => part !== null),
      ...(silent && !assessable ? [{ kind: 'not_assessable', reasons } as const] : []),
      ...raised,
      ...rows,
      ...(unconfirmed ? [{ kind: 'unconfirmed' } as const] : []),
      ...(silent && assessable && !unconfirmed ? [{ kind: 'nothing_visible', areas: areasOf('shown') } as const] : []),
      ...named('partly_visible', areasOf('partly')),
      ...named('not_visible', areasOf('not')),
      { kind: 'limits' },
      ...(simulated ? [{ kind: 'simulated' } as const] : []),
    ];
  });

function inOrder<T>(values: readonly T[], order: readonly T[]): readonly T[] {
  return order.filter((value) => values.includes(value));
}

function areaOf({ part, side, end }: DamageStatement): Area | null {
  const { area } = PARTS[part];
  if (area === 'by_end') return end === 'n/a' ? null : end;
  if (area === 'by_side') return side === 'left' ? 'left_side' : side === 'right' ? 'right_side' : null;
  return area;
}
