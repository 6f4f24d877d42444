import { areaOf, codesOf, fixedWeight } from '../part-rules.js';
import { AREAS, DAMAGE_TYPES, PARTS, SEVERITIES, type Area, type DamageType, type Severity } from '../taxonomy.js';
import { counted, damageText, withPhotos, type DamageKind } from './damage-text.js';
import { fill } from './fill.js';
import type { Glossary } from './glossary.js';
import { placeKey, placeText } from './place.js';
import type { DamageStatement } from './statement.js';

/** More items than this are gathered: nobody reads sixty lines beside a price. */
const MOST_ITEMS = 12;

/** What decides a bid whatever else a lot has. */
const DECISIVE: readonly DamageType[] = ['airbag_deployed', 'burn'];

/** One item of the list: a part with its damages, or a damage with its places. */
type Item =
  | { readonly form: 'by_part'; readonly damages: readonly DamageStatement[] }
  | { readonly form: 'by_damage'; readonly damages: readonly DamageStatement[] };

/**
 * The items of the list of damages, what decides first, then the area with the most damage, each by weight. Damages of one
 * place share an item; where that makes more than a dozen, equal damages of several places share one.
 */
export function damageItems(damages: readonly DamageStatement[], glossary: Glossary): readonly string[] {
  const ordered = inOrder(damages);
  return gathered(ordered).map((item) => itemText(item, glossary));
}

/** One item for each damage: the plainest form there is. */
export function plainDamageItems(damages: readonly DamageStatement[], glossary: Glossary): readonly string[] {
  return inOrder(damages).map((damage) => itemText({ form: 'by_part', damages: [damage] }, glossary));
}

function itemText({ form, damages }: Item, glossary: Glossary): string {
  const [first] = damages;
  if (first === undefined) throw new RangeError('an item has one damage at least');
  const { item } = glossary;
  if (form === 'by_part') {
    const texts = damages.map((damage) =>
      withPhotos(damageText(damage, damage.count, glossary), damage.photos, glossary),
    );
    return fill(item.by_part, { place: placeText(first, glossary), damages: texts.join(item.between) });
  }
  const places = damages.map((damage) =>
    withPhotos(counted(placeText(damage, glossary), damage.count, glossary), damage.photos, glossary),
  );
  return fill(item.by_damage, { damage: damageText(first, 1, glossary), places: places.join(item.between) });
}

function gathered(ordered: readonly DamageStatement[]): readonly Item[] {
  const items: Item[] = [];
  let rest = ordered;
  const kinds = [...groupedBy(ordered, kindKey).values()]
    .filter((group) => new Set(group.map(placeKey)).size > 1)
    .toSorted((a, b) => b.length - a.length);
  while (items.length + groupedBy(rest, placeKey).size > MOST_ITEMS) {
    const group = kinds.shift();
    if (group === undefined) break;
    items.push({ form: 'by_damage', damages: group });
    const taken = new Set(group);
    rest = rest.filter((damage) => !taken.has(damage));
  }
  for (const group of groupedBy(rest, placeKey).values()) items.push({ form: 'by_part', damages: group });
  const position = new Map(ordered.map((damage, index) => [damage, index]));
  const first = ({ damages }: Item) => Math.min(...damages.map((damage) => position.get(damage) ?? 0));
  return items.toSorted((a, b) => first(a) - first(b));
}

function kindKey({ type, severity, zone, extent, through, possible }: DamageKind): string {
  return [type, severity, zone, extent, through, possible].join('|');
}

function groupedBy(
  damages: readonly DamageStatement[],
  keyOf: (damage: DamageStatement) => string,
): ReadonlyMap<string, readonly DamageStatement[]> {
  const groups = new Map<string, DamageStatement[]>();
  for (const damage of damages) {
    const key = keyOf(damage);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [damage]);
    else group.push(damage);
  }
  return groups;
}

const AREA_ORDER: readonly (Area | null)[] = [...codesOf(AREAS), null];
const PART_ORDER = codesOf(PARTS);
const TYPE_ORDER = codesOf(DAMAGE_TYPES);

function inOrder(damages: readonly DamageStatement[]): readonly DamageStatement[] {
  const weights = new Map<Area | null, number>();
  for (const damage of damages) {
    const area = areaOf(damage);
    weights.set(area, (weights.get(area) ?? 0) + weightOf(damage));
  }
  const heaviest = new Map<string, number>();
  for (const damage of damages) {
    const key = placeKey(damage);
    heaviest.set(key, Math.max(heaviest.get(key) ?? 0, SEVERITIES[degreeOf(damage)].rank));
  }
  const orders: readonly ((damage: DamageStatement) => number)[] = [
    (damage) =>
      DECISIVE.includes(damage.type) && degreeOf(damage) === 'severe' ? DECISIVE.indexOf(damage.type) : DECISIVE.length,
    (damage) => -(weights.get(areaOf(damage)) ?? 0),
    (damage) => AREA_ORDER.indexOf(areaOf(damage)),
    (damage) => -(heaviest.get(placeKey(damage)) ?? 0),
    (damage) => PART_ORDER.indexOf(damage.part),
    (damage) => (damage.end === 'rear' ? 1 : 0),
    (damage) => ['left', 'center', 'right', 'unknown', 'n/a'].indexOf(damage.side),
    (damage) => -SEVERITIES[degreeOf(damage)].rank,
    (damage) => (damage.possible ? 1 : 0),
    (damage) => TYPE_ORDER.indexOf(damage.type),
  ];
  return damages.toSorted((a, b) => orders.reduce((difference, order) => difference || order(a) - order(b), 0));
}

/** A possible damage weighs half: doubt must not lead a text. */
function weightOf(damage: DamageStatement): number {
  return SEVERITIES[degreeOf(damage)].points * (damage.possible ? 0.5 : 1);
}

/** One without degrees weighs what its type does. */
function degreeOf({ type, severity }: DamageStatement): Severity {
  return severity ?? fixedWeight(type) ?? 'unknown';
}
