import type { Assessment, Finding, PhotoRef } from '../assessment.js';
import { areasWith } from '../coverage.js';
import { LOT_FLAGS, PHOTO_ISSUES, type LotFlag, type PhotoIssue } from '../lot-flags.js';
import { odometerOf } from '../odometer.js';
import { codesOf, fixedWeight } from '../part-rules.js';
import type { Area } from '../taxonomy.js';
import type { DamageStatement, Statement, VehicleStatement } from './statement.js';

/** What decides a bid leads the flags, whatever their order in the taxonomy. */
const GRAVEST: readonly LotFlag[] = ['airbags_deployed', 'structural_suspected', 'fire', 'flood_signs'];

/**
 * What a text says of an assessment, and nothing else. Doubt, counts and photos come through; what is only advice for editors
 * (reviews, photo faults, look-alikes, VIN and plate) does not.
 * @param origin.simulated - a sandbox made the rows: the text says so once
 */
export function statementsOf(assessment: Assessment, origin: { readonly simulated: boolean }): readonly Statement[] {
  const flags = flagStatements(assessment);
  const damages = damageStatements(assessment);
  const silent = flags.length === 0 && damages.length === 0;
  const { areas } = assessment.coverage;
  return [
    ...vehicleStatements(assessment),
    ...(silent && !assessment.assessable ? [notAssessable(assessment)] : []),
    ...flags,
    ...damages,
    ...(assessment.unconfirmed ? [{ kind: 'unconfirmed' } as const] : []),
    ...(silent && assessment.assessable && !assessment.unconfirmed
      ? [{ kind: 'nothing_visible', areas: areasWith(areas, 'no_visible_damage') } as const]
      : []),
    ...(assessment.assessable
      ? [
          ...areaStatement('partly_visible', areasWith(areas, 'uncertain')),
          ...areaStatement('not_visible', assessment.not_visible),
        ]
      : []),
    { kind: 'limits' },
    ...(origin.simulated ? [{ kind: 'simulated' } as const] : []),
  ];
}

function vehicleStatements({ vehicle, readings, interior, tyres }: Assessment): readonly Statement[] {
  const { kind, body, colour, doors } = vehicle;
  const known: VehicleStatement = {
    kind: 'vehicle',
    // A body says what kind it is; a kind stands only where no body is known.
    vehicle: body !== 'unknown' || kind === 'none' || kind === 'other' ? null : kind,
    body: body === 'unknown' ? null : body,
    colour: colour === 'unknown' ? null : colour,
    doors: doors === 'unknown' ? null : doors,
  };
  const says = known.vehicle !== null || known.body !== null || known.colour !== null || known.doors !== null;
  const odometer = odometerOf(readings.odometer?.value ?? '');
  return [
    ...(says ? [known] : []),
    ...(odometer === null ? [] : [{ kind: 'odometer', ...odometer } as const]),
    ...(interior.state === 'unknown'
      ? []
      : [{ kind: 'interior', state: interior.state, photos: numbersOf(interior.photos) } as const]),
    ...(tyres.state === 'unknown'
      ? []
      : [{ kind: 'tyres', state: tyres.state, photos: numbersOf(tyres.photos) } as const]),
  ];
}

function flagStatements({ flags }: Assessment): readonly Extract<Statement, { kind: 'flag' }>[] {
  const order = [...new Set([...GRAVEST, ...codesOf(LOT_FLAGS)])];
  return order
    .filter((flag) => flags[flag].value === true)
    .map((flag) => ({ kind: 'flag', flag, photos: numbersOf(flags[flag].photos) }));
}

/** Equal rows are one statement with their number and all their photos; an airbag that the flag tells is not told again. */
function damageStatements({ findings, flags }: Assessment): readonly DamageStatement[] {
  const groups = new Map<string, DamageStatement>();
  for (const finding of findings) {
    if (isToldByFlag(finding, flags)) continue;
    const statement = damageStatement(finding);
    const key = JSON.stringify({ ...statement, count: undefined, photos: undefined });
    const twin = groups.get(key);
    groups.set(key, twin === undefined ? statement : bothOf(twin, statement));
  }
  return [...groups.values()];
}

/** An airbag is told once: by the flag, where that is raised and the row is sure. */
export function isToldByFlag({ type, confidence }: Finding, flags: Assessment['flags']): boolean {
  return flags.airbags_deployed.value === true && type === 'airbag_deployed' && confidence !== 'low';
}

export function damageStatement(finding: Finding): DamageStatement {
  const { part, side, end, type, severity, zone, extent, count, through, confidence, photos } = finding;
  return {
    kind: 'damage',
    part,
    // What reaches over the whole part is not "in its centre".
    side: side === 'center' && reachesOver(finding) ? 'n/a' : side,
    end,
    type,
    severity: fixedWeight(type) === null ? severity : null,
    // All of the part is said once, whichever of the two lists says it.
    zone: zone === 'unknown' || zone === 'whole' ? null : zone,
    extent: zone === 'whole' ? 'whole_part' : extent === 'unknown' ? null : extent,
    count: count === 'one' ? 1 : count,
    through: through === 'none' ? null : through,
    possible: confidence === 'low',
    photos: numbersOf(photos),
  };
}

function reachesOver({ zone, extent }: Finding): boolean {
  return zone === 'whole' || zone === 'across' || extent === 'whole_part';
}

function bothOf(a: DamageStatement, b: DamageStatement): DamageStatement {
  const count =
    typeof a.count === 'number' && typeof b.count === 'number'
      ? a.count + b.count
      : a.count === 'many' || b.count === 'many'
        ? 'many'
        : 'few';
  return { ...a, count, photos: ascending([...a.photos, ...b.photos]) };
}

function areaStatement(kind: 'partly_visible' | 'not_visible', areas: readonly Area[]): readonly Statement[] {
  return areas.length === 0 ? [] : [{ kind, areas }];
}

/** Why nothing can be said: the faults that most photos share, each once. */
function notAssessable({ photos }: Assessment): Statement {
  const reasons = codesOf(PHOTO_ISSUES).filter(
    (issue: PhotoIssue) =>
      PHOTO_ISSUES[issue].effect !== 'none' && photos.some((photo) => photo.issues.includes(issue)),
  );
  return { kind: 'not_assessable', reasons };
}

function numbersOf(photos: readonly PhotoRef[]): readonly number[] {
  return ascending(photos.map(({ number }) => number));
}

function ascending(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}
