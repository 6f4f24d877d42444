import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/assessment/audit/audit.js';
import { brokenRule, type BrokenRule } from '../../../src/assessment/audit/rules.js';
import type { Glossary } from '../../../src/assessment/text/glossary.js';
import { renderText } from '../../../src/assessment/text/render.js';
import type { DamageStatement, Statement, VehicleStatement } from '../../../src/assessment/text/statement.js';
import { glossaries } from './glossaries.js';

const english = glossaries.find(({ tag }) => tag === 'en') as Glossary;

const LIMITS: Statement = { kind: 'limits' };
const NOTHING: Statement = { kind: 'nothing_visible', areas: ['front'] };
const FLAG: Statement = { kind: 'flag', flag: 'fire', photos: [1] };
const DENT: DamageStatement = {
  kind: 'damage',
  part: 'door',
  side: 'left',
  end: 'front',
  type: 'dent',
  severity: 'severe',
  zone: null,
  extent: null,
  count: 1,
  through: null,
  possible: false,
  photos: [1, 2],
};
const MOTORCYCLE: VehicleStatement = { kind: 'vehicle', vehicle: 'motorcycle', body: null, colour: 'red', doors: null };

describe('a text keeps the rules', () => {
  it.each<readonly Statement[]>([
    [NOTHING, LIMITS],
    [FLAG, DENT, { kind: 'unconfirmed' }, { kind: 'not_visible', areas: ['roof'] }, LIMITS],
    [DENT, { ...DENT, severity: 'minor' }, LIMITS],
    [{ kind: 'not_assessable', reasons: ['blur'] }, { kind: 'unconfirmed' }, LIMITS],
    [MOTORCYCLE, NOTHING, { kind: 'not_visible', areas: ['rear'] }, LIMITS],
  ])('%#', (...all) => {
    expect(brokenRule(all)).toBeNull();
    expect(audit(renderText(all, english), all, english)).toBeNull();
  });
});

/** Texts that say what their statements say, and say what no text may. */
const BROKEN: Readonly<Record<BrokenRule, readonly (readonly Statement[])[]>> = {
  no_damage_beside_damage: [[NOTHING, DENT, LIMITS]],
  no_damage_beside_flag: [[FLAG, NOTHING, LIMITS]],
  no_damage_beside_unconfirmed: [[NOTHING, { kind: 'unconfirmed' }, LIMITS]],
  no_damage_beside_not_assessable: [[{ kind: 'not_assessable', reasons: [] }, NOTHING, LIMITS]],
  said_twice: [
    [DENT, { ...DENT, photos: [3] }, LIMITS],
    [FLAG, { ...FLAG, photos: [2] }, LIMITS],
    [DENT, LIMITS, LIMITS],
  ],
  nothing_said_of_condition: [[MOTORCYCLE, LIMITS], [LIMITS]],
  area_in_two_lists: [
    [NOTHING, { kind: 'partly_visible', areas: ['front', 'rear'] }, LIMITS],
    [DENT, { kind: 'partly_visible', areas: ['roof'] }, { kind: 'not_visible', areas: ['roof'] }, LIMITS],
  ],
  empty_list: [[DENT, { kind: 'not_visible', areas: [] }, LIMITS]],
  damaged_area_called_unseen: [
    [DENT, { kind: 'not_visible', areas: ['left_side'] }, LIMITS],
    [{ ...DENT, part: 'seat' }, { kind: 'partly_visible', areas: ['interior'] }, LIMITS],
    [{ ...DENT, part: 'bumper', end: 'rear' }, { kind: 'not_visible', areas: ['rear'] }, LIMITS],
  ],
  motorcycle_with_interior: [
    [MOTORCYCLE, DENT, { kind: 'not_visible', areas: ['interior'] }, LIMITS],
    [MOTORCYCLE, { kind: 'interior', state: 'soiled', photos: [1] }, DENT, LIMITS],
  ],
  gravest_not_first: [
    [{ ...FLAG, flag: 'hail' }, FLAG, LIMITS],
    [FLAG, { ...FLAG, flag: 'airbags_deployed' }, LIMITS],
  ],
  body_and_kind: [[{ ...MOTORCYCLE, vehicle: 'car', body: 'saloon' }, DENT, LIMITS]],
  no_limits: [[DENT], [NOTHING]],
  photo_numbers: [
    [{ ...DENT, photos: [0, 1] }, LIMITS],
    [{ ...DENT, photos: [2, 2] }, LIMITS],
    [{ ...FLAG, photos: [3, 1] }, LIMITS],
  ],
};

describe.each(Object.entries(BROKEN))('a text is refused: %s', (rule, texts) => {
  it.each(texts.map((all, index) => ({ all, index })))('$index', ({ all }) => {
    expect(brokenRule(all)).toBe(rule);
    for (const form of ['usual', 'plain'] as const) {
      expect(audit(renderText(all, english, form), all, english)).not.toBeNull();
    }
  });
});
