import type { LotFlag } from '../lot-flags.js';
import { PARTS, type Area, type PartInfo } from '../taxonomy.js';
import type { Statement } from '../text/statement.js';
import { keys } from './words.js';

/** What no text may do, whatever it was made of. */
export type BrokenRule =
  | 'no_damage_beside_damage'
  | 'no_damage_beside_flag'
  | 'no_damage_beside_unconfirmed'
  | 'no_damage_beside_not_assessable'
  | 'said_twice'
  | 'nothing_said_of_condition'
  | 'area_in_two_lists'
  | 'empty_list'
  | 'damaged_area_called_unseen'
  | 'motorcycle_with_interior'
  | 'gravest_not_first'
  | 'body_and_kind'
  | 'no_limits'
  | 'photo_numbers';

type Kind = Statement['kind'];
type Of<K extends Kind> = Statement & { readonly kind: K };

/** What decides a bid comes before all other flags, in this order. */
const GRAVEST: readonly LotFlag[] = ['airbags_deployed', 'structural_suspected', 'fire', 'flood_signs'];

/** The first rule that statements break among themselves; null where they keep all. */
export function brokenRule(statements: readonly Statement[]): BrokenRule | null {
  const all = <K extends Kind>(kind: K) => statements.filter((one): one is Of<K> => one.kind === kind);
  const has = (kind: Kind) => statements.some((one) => one.kind === kind);
  const rules: Readonly<Record<BrokenRule, () => boolean>> = {
    no_damage_beside_damage: () => has('nothing_visible') && has('damage'),
    no_damage_beside_flag: () => has('nothing_visible') && has('flag'),
    no_damage_beside_unconfirmed: () => has('nothing_visible') && has('unconfirmed'),
    no_damage_beside_not_assessable: () => has('nothing_visible') && has('not_assessable'),
    said_twice: () => saidTwice(statements),
    nothing_said_of_condition: () =>
      !(['damage', 'flag', 'unconfirmed', 'nothing_visible', 'not_assessable'] as const).some(has),
    area_in_two_lists: () => repeats(areasOf(statements)),
    empty_list: () => [...all('partly_visible'), ...all('not_visible')].some(({ areas }) => areas.length === 0),
    damaged_area_called_unseen: () => {
      const damaged = new Set(all('damage').map(areaOfDamage));
      return areasOf(statements).some((area) => damaged.has(area));
    },
    motorcycle_with_interior: () =>
      all('vehicle').some(({ vehicle }) => vehicle === 'motorcycle') &&
      (has('interior') || areasOf(statements).includes('interior')),
    gravest_not_first: () => {
      const ranks = all('flag').map(({ flag }) => (GRAVEST.includes(flag) ? GRAVEST.indexOf(flag) : GRAVEST.length));
      return ranks.some((rank, index) => index > 0 && rank < (ranks[index - 1] ?? rank));
    },
    body_and_kind: () => all('vehicle').some(({ vehicle, body }) => vehicle !== null && body !== null),
    no_limits: () => !has('limits'),
    photo_numbers: () => statements.some((one) => 'photos' in one && !countedUp(one.photos)),
  };
  return keys(rules).find((rule) => rules[rule]()) ?? null;
}

/** Every sentence stands once, every flag once, and a damage once with all its photos. */
function saidTwice(statements: readonly Statement[]): boolean {
  return repeats(
    statements.map((one) => {
      if (one.kind === 'flag') return one.flag;
      if (one.kind !== 'damage') return one.kind;
      const { part, side, end, type, severity, zone, extent, through, possible } = one;
      return [part, side, end, type, severity, zone, extent, through, possible].join('|');
    }),
  );
}

function areasOf(statements: readonly Statement[]): readonly Area[] {
  return statements.flatMap((one) =>
    one.kind === 'nothing_visible' || one.kind === 'partly_visible' || one.kind === 'not_visible' ? one.areas : [],
  );
}

/** The area that a damage is in; null where its side or end, which would tell, is not known. */
function areaOfDamage({ part, side, end }: Of<'damage'>): Area | null {
  const { area }: PartInfo = PARTS[part];
  if (area === 'by_end') return end === 'n/a' ? null : end;
  if (area !== 'by_side') return area;
  if (side === 'left') return 'left_side';
  return side === 'right' ? 'right_side' : null;
}

function repeats(values: readonly string[]): boolean {
  return new Set(values).size < values.length;
}

/** Photo numbers begin at one and rise. */
function countedUp(numbers: readonly number[]): boolean {
  return numbers.every((value, index) => value > (index === 0 ? 0 : (numbers[index - 1] ?? value)));
}
