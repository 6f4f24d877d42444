import type { AreaCoverage, Assessment, ConditionBand, DamageArea, Finding } from './assessment.js';
import { areasWith } from './coverage.js';
import { LOT_FLAGS } from './lot-flags.js';
import type { LotFlag } from './lot-flags.js';
import { areaOf, codesOf } from './part-rules.js';
import { SEVERITIES } from './taxonomy.js';
import type { Area, DamageType } from './taxonomy.js';

const COPART_AREA: Readonly<Partial<Record<Area, DamageArea>>> = {
  front: 'Front End',
  rear: 'Rear End',
  left_side: 'Side',
  right_side: 'Side',
  roof: 'Top/Roof',
  underbody: 'Undercarriage',
};

/** The flags that name a damage code of their own, the gravest first: a burnt car is a burn, whatever else it is. */
const COPART_FLAGS: readonly (readonly [LotFlag, DamageArea])[] = [
  ['fire', 'Burn'],
  ['flood_signs', 'Water/Flood'],
  ['stripped_parts', 'Stripped'],
  ['hail', 'Hail'],
];

const WEAR_TYPES: ReadonlySet<DamageType> = new Set(['wear', 'tyre_wear', 'stain', 'lens_haze', 'paint_chip']);

/** The one or two words that auction lists give a lot, from the findings' points by area and the flags. */
export function damageAreasOf(findings: readonly Finding[], flags: Assessment['flags']): Assessment['damage_areas'] {
  const named = COPART_FLAGS.filter(([flag]) => flags[flag].value === true).map(([, area]) => area);
  const words = [...new Set([...named, ...areaWords(findings)])];
  return { primary: words[0] ?? null, secondary: words[1] ?? null };
}

function areaWords(findings: readonly Finding[]): readonly DamageArea[] {
  if (findings.length > 0 && findings.every(({ type }) => WEAR_TYPES.has(type))) {
    return ['Normal Wear'];
  }
  const points = new Map<DamageArea, number>();
  const serious = new Set<DamageArea>();
  for (const finding of findings) {
    const area = areaOf(finding);
    const word = area === null ? undefined : COPART_AREA[area];
    if (word !== undefined) {
      points.set(word, (points.get(word) ?? 0) + SEVERITIES[finding.severity].points);
      if (SEVERITIES[finding.severity].rank >= SEVERITIES.moderate.rank) {
        serious.add(word);
      }
    }
  }
  if (points.size > 0 && serious.size === 0) {
    return ['Minor Dent/Scratches'];
  }
  const ordered = [...points].toSorted((a, b) => b[1] - a[1]).map(([word]) => word);
  return serious.size >= 4 ? ['All Over'] : ordered;
}

const BANDS: readonly (readonly [ConditionBand, number])[] = [
  ['A', 0],
  ['B', 4],
  ['C', 14],
  ['D', 34],
];
const AREAS_FOR_A_BAND = 4;

/**
 * Points of all findings and flags: 0 is A, up to 4 B, up to 14 C, up to 34 D, above E. None when nothing was found
 * and fewer than four areas were shown well: an unseen car would get the best band.
 */
export function conditionBandOf(
  findings: readonly Finding[],
  flags: Assessment['flags'],
  areas: readonly AreaCoverage[],
): ConditionBand | null {
  const raised = codesOf(LOT_FLAGS).filter((flag) => flags[flag].value === true);
  const points =
    findings.reduce((sum, { severity }) => sum + SEVERITIES[severity].points, 0) +
    raised.reduce((sum, flag) => sum + LOT_FLAGS[flag].points, 0);
  if (points === 0 && areasWith(areas, 'no_visible_damage').length < AREAS_FOR_A_BAND) {
    return null;
  }
  return BANDS.find(([, most]) => points <= most)?.[0] ?? 'E';
}
