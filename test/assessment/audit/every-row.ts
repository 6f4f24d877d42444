import { EXTENTS, THROUGH, ZONES } from '../../../src/assessment/damage-details.js';
import { codesOf, fixedWeight, normalizePlace, type Place } from '../../../src/assessment/part-rules.js';
import { DAMAGE_TYPES, type DamageType, ENDS, PARTS, SEVERITIES, SIDES } from '../../../src/assessment/taxonomy.js';
import type { DamageStatement } from '../../../src/assessment/text/statement.js';

const PLACES: readonly Place[] = [
  ...new Map(
    codesOf(PARTS)
      .flatMap((part) => SIDES.flatMap((side) => ENDS.map((end) => normalizePlace({ part, side, end }))))
      .map((place) => [JSON.stringify(place), place]),
  ).values(),
];
/** None of a type without degrees. */
function severitiesOf(type: DamageType): readonly DamageStatement['severity'][] {
  return fixedWeight(type) === null ? codesOf(SEVERITIES) : [null];
}

const KINDS = codesOf(DAMAGE_TYPES).flatMap((type) =>
  severitiesOf(type).flatMap((severity) => [true, false].map((possible) => ({ type, severity, possible }))),
);
const DETAILS = [null, ...codesOf(ZONES).filter((zone) => zone !== 'unknown')].flatMap((zone) =>
  [null, ...codesOf(EXTENTS).filter((extent) => extent !== 'unknown')].flatMap((extent) =>
    [null, ...codesOf(THROUGH).filter((through) => through !== 'none')].map((through) => ({ zone, extent, through })),
  ),
);
const COUNTS: readonly DamageStatement['count'][] = [1, 2, 13, 'few', 'many'];
const PHOTOS: readonly (readonly number[])[] = [[], [3], [1, 2], [4, 5, 6], [1, 3, 4, 5, 12]];

/**
 * Every place with every type, severity and doubt, and every type, severity and doubt with every detail and number: an item is
 * a place and a damage set side by side, so that these are all the pieces that there are.
 */
export function* everyRow(step: number): Generator<DamageStatement> {
  const turn = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;
  const all = PLACES.length * KINDS.length;
  for (let index = 0; index < all; index += step) {
    const place = turn(PLACES, index);
    const kind = turn(KINDS, Math.floor(index / PLACES.length));
    yield {
      kind: 'damage',
      ...place,
      ...kind,
      ...turn(DETAILS, index),
      count: turn(COUNTS, index),
      photos: turn(PHOTOS, index + 1),
    };
  }
  const more = KINDS.length * DETAILS.length * COUNTS.length;
  for (let index = 0; index < more; index += step) {
    const kind = turn(KINDS, index);
    const details = turn(DETAILS, Math.floor(index / KINDS.length));
    const count = turn(COUNTS, Math.floor(index / KINDS.length / DETAILS.length));
    yield { kind: 'damage', ...turn(PLACES, index), ...kind, ...details, count, photos: turn(PHOTOS, index) };
  }
}
