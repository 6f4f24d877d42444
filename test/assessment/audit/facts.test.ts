import { describe, expect, it } from 'vitest';
import { auditStatements } from '../../../src/assessment/audit/audit.js';
import type { AssessedLot, UntrueStatement } from '../../../src/assessment/audit/facts.js';
import { LOT_FLAGS } from '../../../src/assessment/lot-flags.js';
import { codesOf } from '../../../src/assessment/part-rules.js';
import { AREAS } from '../../../src/assessment/taxonomy.js';
import type { DamageStatement, Statement } from '../../../src/assessment/text/statement.js';

const photo = (number: number) => ({ number, url: `https://cdn.test/${number}.jpg` });
const areasWith = (status: 'damaged' | 'no_visible_damage' | 'uncertain' | 'not_visible') =>
  codesOf(AREAS).map((area) => ({ area, status, photos: [] }));
const NO_FLAGS = Object.fromEntries(
  codesOf(LOT_FLAGS).map((flag) => [flag, { value: null, photos: [] }]),
) as unknown as AssessedLot['flags'];

const FINDING: AssessedLot['findings'][number] = {
  part: 'door',
  side: 'left',
  end: 'front',
  type: 'dent',
  severity: 'severe',
  confidence: 'high',
  zone: 'lower_half',
  extent: 'hand',
  count: 'one',
  through: 'none',
  photos: [photo(1), photo(2)],
};

function lot(changes: Partial<AssessedLot> = {}): AssessedLot {
  return {
    assessable: true,
    photos: [photo(1), photo(2), photo(3), photo(7)],
    findings: [FINDING],
    coverage: { score: 0, areas: [{ area: 'left_side', status: 'damaged', photos: [] }] },
    flags: NO_FLAGS,
    vehicle: { kind: 'car', count: 1, body: 'estate', colour: 'silver', doors: 'unknown', photos: [photo(1)] },
    interior: { state: 'soiled', photos: [photo(7)] },
    tyres: { state: 'unknown', photos: [] },
    unconfirmed: false,
    readings: { odometer: { value: '84,512 km', photo: photo(7) }, vin: null, licence_plate: null },
    ...changes,
  };
}

const DENT: DamageStatement = {
  kind: 'damage',
  part: 'door',
  side: 'left',
  end: 'front',
  type: 'dent',
  severity: 'severe',
  zone: 'lower_half',
  extent: 'hand',
  count: 1,
  through: null,
  possible: false,
  photos: [1, 2],
};
const LIMITS: Statement = { kind: 'limits' };
const UNCONFIRMED: Statement = { kind: 'unconfirmed' };
const NOTHING: Statement = { kind: 'nothing_visible', areas: [] };
const FIRE: Statement = { kind: 'flag', flag: 'fire', photos: [3] };
const low = { ...FINDING, confidence: 'low' as const };
const onFire = { ...NO_FLAGS, fire: { value: true, photos: [photo(3)] } };
const deployed = { ...NO_FLAGS, airbags_deployed: { value: true, photos: [photo(7)] } };
const airbag: AssessedLot['findings'][number] = {
  ...FINDING,
  part: 'airbag',
  side: 'n/a',
  end: 'n/a',
  type: 'airbag_deployed',
  photos: [photo(7)],
};

describe('statements that say what the assessment says', () => {
  it.each<{ name: string; statements: readonly Statement[]; of: Partial<AssessedLot> }>([
    { name: 'one damage', statements: [DENT], of: {} },
    { name: 'two equal ones', statements: [{ ...DENT, count: 2 }], of: { findings: [FINDING, FINDING] } },
    {
      name: 'one without degrees, whatever the severity of its rows',
      statements: [{ ...DENT, type: 'missing_part', severity: null, count: 2 }],
      of: {
        findings: [
          { ...FINDING, type: 'missing_part' },
          { ...FINDING, type: 'missing_part', severity: 'minor' },
        ],
      },
    },
    { name: 'a doubtful one', statements: [{ ...DENT, possible: true }], of: { findings: [low] } },
    {
      name: 'a sure and a doubtful one',
      statements: [DENT, { ...DENT, possible: true }],
      of: { findings: [FINDING, low] },
    },
    {
      name: 'all of a part, said once',
      statements: [{ ...DENT, zone: null, extent: 'whole_part' }],
      of: { findings: [{ ...FINDING, zone: 'whole' }] },
    },
    {
      name: 'an airbag, told by the flag',
      statements: [{ kind: 'flag', flag: 'airbags_deployed', photos: [7] }],
      of: { findings: [airbag], flags: deployed },
    },
    {
      name: 'nothing where all is shown',
      statements: [{ kind: 'nothing_visible', areas: codesOf(AREAS) }],
      of: { findings: [], coverage: { score: 1, areas: areasWith('no_visible_damage') } },
    },
    {
      name: 'a vehicle and what it shows',
      statements: [
        { kind: 'vehicle', vehicle: null, body: 'estate', colour: 'silver', doors: null },
        { kind: 'odometer', value: 84_512, unit: 'km' },
        { kind: 'interior', state: 'soiled', photos: [7] },
        DENT,
      ],
      of: {},
    },
  ])('are let through: $name', ({ statements, of }) => {
    expect(auditStatements([...statements, LIMITS], lot(of))).toBeNull();
  });
});

describe('statements that say it otherwise', () => {
  it.each<{ is: UntrueStatement; statements: readonly Statement[]; of?: Partial<AssessedLot> }>([
    { is: 'photo_not_sent', statements: [{ ...DENT, photos: [1, 2, 4] }] },
    { is: 'doubt_lost', statements: [DENT], of: { findings: [low] } },
    { is: 'doubt_added', statements: [{ ...DENT, possible: true }] },
    { is: 'finding_left_out', statements: [UNCONFIRMED], of: { unconfirmed: true } },
    { is: 'finding_left_out', statements: [{ ...DENT, side: 'right' }] },
    { is: 'finding_left_out', statements: [{ ...DENT, severity: 'minor' }] },
    { is: 'finding_left_out', statements: [{ ...DENT, severity: null }] },
    {
      is: 'finding_left_out',
      statements: [{ ...DENT, type: 'missing_part' }],
      of: { findings: [{ ...FINDING, type: 'missing_part' }] },
    },
    { is: 'finding_left_out', statements: [{ ...DENT, zone: null }] },
    { is: 'finding_left_out', statements: [FIRE], of: { findings: [{ ...airbag, confidence: 'low' }], flags: onFire } },
    { is: 'damage_without_finding', statements: [DENT, { ...DENT, type: 'scratch' }] },
    { is: 'damage_count', statements: [DENT], of: { findings: [FINDING, FINDING] } },
    { is: 'damage_count', statements: [{ ...DENT, count: 'few' }], of: { findings: [{ ...FINDING, count: 'many' }] } },
    { is: 'damage_photos', statements: [{ ...DENT, photos: [1] }] },
    { is: 'damage_photos', statements: [{ ...DENT, photos: [1, 2, 3] }] },
    { is: 'flag_left_out', statements: [DENT], of: { flags: onFire } },
    { is: 'flag_not_raised', statements: [FIRE, DENT] },
    { is: 'flag_photos', statements: [{ ...FIRE, photos: [] } as Statement, DENT], of: { flags: onFire } },
    { is: 'no_damage_where_there_is', statements: [NOTHING], of: { findings: [], assessable: false } },
    { is: 'no_damage_where_there_is', statements: [NOTHING], of: { findings: [], unconfirmed: true } },
    { is: 'not_assessable', statements: [{ kind: 'not_assessable', reasons: [] }], of: { findings: [] } },
    {
      is: 'area_status',
      statements: [{ kind: 'nothing_visible', areas: ['roof'] }],
      of: { findings: [] },
    },
    { is: 'area_status', statements: [DENT, { kind: 'not_visible', areas: ['roof'] }] },
    { is: 'area_status', statements: [DENT], of: { coverage: { score: 0, areas: areasWith('not_visible').slice(4) } } },
    { is: 'unconfirmed', statements: [DENT], of: { unconfirmed: true } },
    { is: 'unconfirmed', statements: [DENT, UNCONFIRMED] },
    {
      is: 'vehicle',
      statements: [{ kind: 'vehicle', vehicle: null, body: 'saloon', colour: 'silver', doors: null }, DENT],
    },
    { is: 'odometer', statements: [{ kind: 'odometer', value: 48_512, unit: 'km' }, DENT] },
    { is: 'odometer', statements: [{ kind: 'odometer', value: 8_451, unit: 'km' }, DENT] },
    { is: 'odometer', statements: [{ kind: 'odometer', value: 84_512, unit: 'mi' }, DENT] },
    { is: 'interior', statements: [{ kind: 'interior', state: 'light_wear', photos: [7] }, DENT] },
    { is: 'tyres', statements: [{ kind: 'tyres', state: 'tread_low', photos: [] }, DENT] },
  ])('are refused: $is, $statements', ({ is, statements, of }) => {
    expect(auditStatements([...statements, LIMITS], lot(of))).toEqual({ reason: 'untrue', statement: is });
  });
});
