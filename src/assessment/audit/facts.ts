import type { AreaStatus, Assessment, Finding, PhotoRef } from '../assessment.js';
import { LOT_FLAGS, type LotFlag } from '../lot-flags.js';
import type { Area } from '../taxonomy.js';
import type { DamageStatement, Statement } from '../text/statement.js';
import { hasDegrees, keys } from './words.js';

/** What statements say otherwise than the assessment that they were made of. */
export type UntrueStatement =
  | 'photo_not_sent'
  | 'doubt_lost'
  | 'doubt_added'
  | 'finding_left_out'
  | 'damage_without_finding'
  | 'damage_count'
  | 'damage_photos'
  | 'flag_left_out'
  | 'flag_not_raised'
  | 'flag_photos'
  | 'no_damage_where_there_is'
  | 'not_assessable'
  | 'area_status'
  | 'unconfirmed'
  | 'vehicle'
  | 'odometer'
  | 'interior'
  | 'tyres';

/** What of an assessment is written in texts. */
export type AssessedLot = Pick<
  Assessment,
  'assessable' | 'coverage' | 'flags' | 'vehicle' | 'interior' | 'tyres' | 'unconfirmed' | 'readings'
> & {
  readonly photos: readonly Pick<PhotoRef, 'number'>[];
  readonly findings: readonly AssessedFinding[];
};

type AssessedFinding = Omit<Finding, 'id' | 'description' | 'needs_review' | 'review_reasons'>;

type Kind = Statement['kind'];
type Of<K extends Kind> = Statement & { readonly kind: K };

/**
 * Compares statements with the assessment, each rule by itself and without making statements again: whatever makes them may
 * be wrong in a way that a second run would repeat. The first that does not hold; null where all are true.
 */
export function untrueStatement(statements: readonly Statement[], assessment: AssessedLot): UntrueStatement | null {
  const all = <K extends Kind>(kind: K) => statements.filter((one): one is Of<K> => one.kind === kind);
  const has = (kind: Kind) => statements.some((one) => one.kind === kind);
  const damages = all('damage');
  const { findings, flags } = assessment;
  const told = findings.filter((finding) => !toldByFlag(finding, assessment));
  const raised = keys(LOT_FLAGS).filter((flag) => flags[flag].value === true);
  const saidOnlyAs = (finding: AssessedFinding, as: 'possible' | 'sure') => {
    const said = damages.filter((damage) => isDamage(finding, damage));
    return said.length > 0 && said.every(({ possible }) => possible === (as === 'possible'));
  };
  const makingOf = (damage: DamageStatement) => told.filter((finding) => isOf(finding, damage));
  const silent = findings.length === 0 && raised.length === 0;

  const rules: Readonly<Record<UntrueStatement, () => boolean>> = {
    photo_not_sent: () => {
      const sent = new Set(assessment.photos.map(({ number }) => number));
      return statements.some((one) => 'photos' in one && one.photos.some((photo) => !sent.has(photo)));
    },
    doubt_lost: () => told.some((finding) => isLow(finding) && saidOnlyAs(finding, 'sure')),
    doubt_added: () => told.some((finding) => !isLow(finding) && saidOnlyAs(finding, 'possible')),
    finding_left_out: () => told.some((finding) => !damages.some((damage) => isOf(finding, damage))),
    damage_without_finding: () => damages.some((damage) => makingOf(damage).length === 0),
    damage_count: () => damages.some((damage) => !countIsTrue(damage, makingOf(damage))),
    damage_photos: () => damages.some((damage) => !samePhotos(damage.photos, makingOf(damage).flatMap(photosOf))),
    flag_left_out: () => raised.some((flag) => !all('flag').some((one) => one.flag === flag)),
    flag_not_raised: () => all('flag').some(({ flag }) => !raised.includes(flag)),
    flag_photos: () => all('flag').some(({ flag, photos }) => !samePhotos(photos, photosOf(flags[flag]))),
    no_damage_where_there_is: () =>
      has('nothing_visible') && (!silent || assessment.unconfirmed || !assessment.assessable),
    not_assessable: () => has('not_assessable') !== (silent && !assessment.assessable),
    area_status: () => !areasAreTrue(statements, assessment),
    unconfirmed: () => has('unconfirmed') !== assessment.unconfirmed,
    vehicle: () => all('vehicle').some((one) => !vehicleIsTrue(one, assessment)),
    odometer: () => all('odometer').some((one) => !readingIsTrue(one, assessment.readings.odometer?.value ?? '')),
    interior: () => all('interior').some((one) => !stateIsTrue(one, assessment.interior)),
    tyres: () => all('tyres').some((one) => !stateIsTrue(one, assessment.tyres)),
  };
  return keys(rules).find((rule) => rules[rule]()) ?? null;
}

/** An airbag is told once: by the flag, where that is raised and the row is sure. */
function toldByFlag({ type, confidence }: AssessedFinding, { flags }: AssessedLot): boolean {
  const flag: LotFlag = 'airbags_deployed';
  return type === 'airbag_deployed' && confidence !== 'low' && flags[flag].value === true;
}

/** Is the finding one of those that the statement stands for? */
export function isOf(finding: AssessedFinding, damage: DamageStatement): boolean {
  return isDamage(finding, damage) && isLow(finding) === damage.possible;
}

function isLow({ confidence }: AssessedFinding): boolean {
  return confidence === 'low';
}

/** The same damage in the same place, sure or not. That it is all over the part is said once, as how far it reaches. */
function isDamage(finding: AssessedFinding, damage: DamageStatement): boolean {
  const zone = finding.zone === 'whole' ? null : known(finding.zone);
  const extent = finding.zone === 'whole' ? 'whole_part' : known(finding.extent);
  return (
    finding.part === damage.part &&
    sideIsTrue(finding, damage) &&
    finding.end === damage.end &&
    finding.type === damage.type &&
    (hasDegrees(finding.type) ? finding.severity : null) === damage.severity &&
    zone === damage.zone &&
    extent === damage.extent &&
    (finding.through === 'none' ? null : finding.through) === damage.through
  );
}

/** A damage over the whole width of a part lies on no side of it; any other side is written as the row has it. */
function sideIsTrue({ side, zone }: AssessedFinding, damage: DamageStatement): boolean {
  const wide = zone === 'across' || damage.extent === 'whole_part';
  return damage.side === (side === 'center' && wide ? 'n/a' : side);
}

function known<T extends string>(value: T): Exclude<T, 'unknown'> | null {
  return value === 'unknown' ? null : (value as Exclude<T, 'unknown'>);
}

/** A number where every row is of one damage; otherwise a word, and the greater where rows differ. */
function countIsTrue({ count }: DamageStatement, findings: readonly AssessedFinding[]): boolean {
  const single = findings.every((finding) => finding.count === 'one');
  if (typeof count === 'number') return single && count === findings.length;
  return !single && (count === 'many') === findings.some((finding) => finding.count === 'many');
}

function areasAreTrue(statements: readonly Statement[], { coverage, assessable }: AssessedLot): boolean {
  const wanted: readonly (readonly [Kind, AreaStatus])[] = [
    ['nothing_visible', 'no_visible_damage'],
    ['partly_visible', 'uncertain'],
    ['not_visible', 'not_visible'],
  ];
  return wanted.every(([kind, status]) => {
    const said = statements.filter((one): one is Statement & { areas: readonly Area[] } => one.kind === kind);
    const areas = coverage.areas.filter((one) => one.status === status).map(({ area }) => area);
    if (said.length === 0) return kind === 'nothing_visible' || areas.length === 0 || !assessable;
    return said.every((one) => one.areas.join() === areas.join());
  });
}

function vehicleIsTrue(said: Of<'vehicle'>, { vehicle }: AssessedLot): boolean {
  return (
    (said.vehicle === null ? true : said.vehicle === vehicle.kind) &&
    said.body === known(vehicle.body) &&
    said.colour === known(vehicle.colour) &&
    said.doors === known(vehicle.doors)
  );
}

function stateIsTrue(
  said: { readonly state: string; readonly photos: readonly number[] },
  shown: { readonly state: string; readonly photos: readonly PhotoRef[] },
): boolean {
  return said.state === shown.state && samePhotos(said.photos, photosOf(shown));
}

function photosOf({ photos }: { readonly photos: readonly PhotoRef[] }): readonly number[] {
  return photos.map(({ number }) => number);
}

function samePhotos(said: readonly number[], shown: readonly number[]): boolean {
  const wanted = new Set(shown);
  return said.length === wanted.size && said.every((photo) => wanted.has(photo));
}

/** The digits as they were read, but for a decimal that trip counters show, and the unit that stands with them. */
function readingIsTrue({ value, unit }: Of<'odometer'>, reading: string): boolean {
  const digits = reading.replaceAll(/\D/g, '');
  const whole = /[.,]\d\D*$/.test(reading) ? digits.slice(0, -1) : digits;
  const shown = /km/i.test(reading) ? 'km' : /mi/i.test(reading) ? 'mi' : null;
  return unit === shown && whole !== '' && Number(whole) === value;
}
