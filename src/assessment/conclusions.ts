import type { AreaCoverage, Assessment, ConditionBand, DamageArea, Finding } from './assessment.js';
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

/** The flags that name a word of their own, what decides a bid first: a burnt car is a burn, whatever else it is. */
const FLAG_WORDS: readonly (readonly [LotFlag, DamageArea])[] = [
  ['airbags_deployed', 'Airbags Deployed'],
  ['structural_suspected', 'Frame Damage'],
  ['fire', 'Burn'],
  ['flood_signs', 'Water/Flood'],
  ['stripped_parts', 'Stripped'],
  ['hail', 'Hail'],
];

const WEAR_TYPES: ReadonlySet<DamageType> = new Set(['wear', 'tyre_wear', 'stain', 'lens_haze', 'paint_chip']);

/** Doubt is not damage: a row of low confidence leads to no conclusion. */
function sure(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ confidence }) => confidence !== 'low');
}

/** The one or two words that auction lists give a lot, from the flags and the sure findings' points by area. */
export function damageAreasOf(findings: readonly Finding[], flags: Assessment['flags']): Assessment['damage_areas'] {
  const named = FLAG_WORDS.filter(([flag]) => flags[flag].value === true).map(([, area]) => area);
  const words = [...new Set([...named, ...areaWords(sure(findings), named.length > 0)])];
  return { primary: words[0] ?? null, secondary: words[1] ?? null };
}

/** @param isNamed - a flag names the lot: beside an airbag nothing is minor or normal */
function areaWords(findings: readonly Finding[], isNamed: boolean): readonly DamageArea[] {
  if (findings.length > 0 && findings.every(({ type, severity }) => WEAR_TYPES.has(type) && severity !== 'severe')) {
    return isNamed ? [] : ['Normal Wear'];
  }
  const points = new Map<DamageArea, number>();
  const serious = new Set<DamageArea>();
  for (const finding of findings) {
    const area = areaOf(finding);
    const word = area === null ? undefined : COPART_AREA[area];
    if (word !== undefined) {
      points.set(word, (points.get(word) ?? 0) + SEVERITIES[finding.severity].points);
      if (finding.severity !== 'minor') {
        serious.add(word);
      }
    }
  }
  if (findings.length > 0 && findings.every(({ severity }) => severity === 'minor')) {
    return isNamed || points.size === 0 ? [] : ['Minor Dent/Scratches'];
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

/**
 * Points of all sure findings and flags: 0 is A, up to 4 B, up to 14 C, up to 34 D, above E. None where less than half of the areas
 * are shown well, because an unseen car would get the best band; a wreck is one whatever else is not shown. No A beside a doubt.
 */
export function conditionBandOf(
  findings: readonly Finding[],
  flags: Assessment['flags'],
  areas: readonly AreaCoverage[],
  unconfirmed: boolean,
): ConditionBand | null {
  const raised = codesOf(LOT_FLAGS).filter((flag) => flags[flag].value === true);
  const counted = sure(findings);
  const points =
    counted.reduce((sum, { severity }) => sum + SEVERITIES[severity].points, 0) +
    raised.reduce((sum, flag) => sum + LOT_FLAGS[flag].points, 0);
  const band = BANDS.find(([, most]) => points <= most)?.[0] ?? 'E';
  if (band === 'E') return band;
  const damaged = new Set(counted.map((finding) => areaOf(finding)));
  const seen = areas.filter(({ area, status }) => status === 'no_visible_damage' || damaged.has(area)).length;
  const doubt = unconfirmed || counted.length < findings.length;
  return seen < Math.ceil(areas.length / 2) || (band === 'A' && doubt) ? null : band;
}
