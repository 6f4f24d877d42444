import type {
  Assessment,
  AreaCoverage,
  AssessedPhoto,
  Finding,
  FlagResult,
  LotReviewReason,
  ReadingResult,
} from './assessment.js';
import { areasWith, refs } from './coverage.js';
import type { SentPhotos } from './checks.js';
import { cleanText } from './model-text.js';
import { LOT_FLAGS, READINGS } from './lot-flags.js';
import type { LotFlag, LotFlagInfo, Reading } from './lot-flags.js';
import { odometerOf } from './odometer.js';
import { codesOf } from './part-rules.js';
import { PARTS, VIEWS } from './taxonomy.js';
import type { Area, PartInfo } from './taxonomy.js';
import type { VisionRows } from './vision-rows.js';

/**
 * The lot's flags. "Yes" needs a photo that can show it, or a finding that says the same; "no" needs a photo of an area where it
 * would show; all else cannot be told.
 */
export function flagsOf(
  said: VisionRows['flags'],
  sent: SentPhotos,
  findings: readonly Finding[],
  areas: readonly AreaCoverage[],
): { readonly flags: Assessment['flags']; readonly reasons: readonly LotReviewReason[] } {
  const shown = areasWith(areas, 'damaged', 'no_visible_damage');
  const reasons = new Set<LotReviewReason>();
  const entries = codesOf(LOT_FLAGS).map((flag): [LotFlag, FlagResult] => {
    const { impliedBy, needs, points }: LotFlagInfo = LOT_FLAGS[flag];
    const { value } = said[flag];
    const evidence = sent.usable(said[flag].photos).filter((photo) => canShowFlag(photo, flag));
    const implying = findings.filter(({ type, confidence }) => impliedBy.includes(type) && confidence !== 'low');
    const photos = refs([...(value === 'yes' ? evidence : []), ...implying.flatMap((finding) => finding.photos)]);
    if (photos.length > 0) {
      if (value === 'no' && points >= GRAVE) reasons.add('flag_contradicts_finding');
      return [flag, { value: true, photos }];
    }
    if (value === 'yes') reasons.add('flag_not_shown');
    const denied = value === 'no' && needs.some((area) => shown.includes(area));
    return [flag, { value: denied ? false : null, photos: [] }];
  });
  return { flags: Object.fromEntries(entries) as Assessment['flags'], reasons: [...reasons] };
}

/** A pale panel and "no earlier repair" can both be meant; a deployed airbag and "no airbag is deployed" cannot. */
const GRAVE = 4;

/** A close-up may show anything, as long as the model said what it shows. */
function canShowFlag({ view, visible_parts }: AssessedPhoto, flag: LotFlag): boolean {
  const { shownBy }: LotFlagInfo = LOT_FLAGS[flag];
  if (view === 'detail') return visible_parts.length > 0;
  const shown: readonly Area[] = VIEWS[view].areas;
  return (
    shownBy.some((area) => shown.includes(area)) ||
    visible_parts.some((part) => shownBy.some((area) => (PARTS[part] as PartInfo).area === area))
  );
}

const PATTERNS: Readonly<Record<Reading, RegExp>> = {
  odometer: /^\d[\d., ]{0,11}( ?(km|mi|miles))?$/i,
  // No I, O and Q in a VIN: a reading with one is a misreading.
  vin: /^[A-HJ-NPR-Z0-9]{17}$/,
  licence_plate: /^[\p{L}\p{N}](?:[\p{L}\p{N} .-]{0,12}[\p{L}\p{N}])?$/u,
};

/** What could be read. A value that is not of its form, cites no usable photo, or has a rival is null: no guessing. */
export function readingsOf(said: VisionRows['readings'], sent: SentPhotos): Assessment['readings'] {
  const entries = codesOf(READINGS).map((kind): [Reading, ReadingResult | null] => {
    const values = said
      .filter((reading) => reading.kind === kind)
      .map((reading) => ({ value: readingValue(kind, reading.value), photo: sent.usable([reading.photo])[0] }));
    const [first] = values;
    if (first?.photo === undefined || !PATTERNS[kind].test(first.value)) {
      return [kind, null];
    }
    if (values.some(({ value }) => !sameReading(kind, value, first.value))) {
      return [kind, null];
    }
    // The fuller one: "98,765 km" says more than "98765".
    const fullest = values.find(({ value, photo }) => photo !== undefined && /[a-z]$/i.test(value)) ?? first;
    const { value, photo } = kind === 'odometer' ? fullest : first;
    const { number, url } = photo ?? first.photo;
    const result: ReadingResult = { value, photo: { number, url } };
    return [kind, kind === 'vin' ? { ...result, check_digit_valid: vinCheckDigitFits(value) } : result];
  });
  return Object.fromEntries(entries) as Assessment['readings'];
}

/** The same reading, however it is spaced: a display groups its digits, and one photo of it may cut the unit off. */
function sameReading(kind: Reading, a: string, b: string): boolean {
  if (kind !== 'odometer') return bare(a) === bare(b);
  const [one, other] = [odometerOf(a), odometerOf(b)];
  if (one === null || other === null) return a === b;
  return one.value === other.value && (one.unit === other.unit || one.unit === null || other.unit === null);
}

function bare(reading: string): string {
  return reading.toUpperCase().replaceAll(/[\s.-]/g, '');
}

/** A VIN has 17 characters; a "reading" of many more is none, and is not looked into. */
const MOST_RAW_CHARACTERS = 400;

function readingValue(kind: Reading, raw: string): string {
  const value = raw.length > MOST_RAW_CHARACTERS ? '' : cleanText(raw);
  return kind === 'vin' ? value.toUpperCase().replaceAll(/[\s*-]/g, '') : value;
}

const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
/** A character's value is its position here, modulo 10. */
const VIN_VALUES = '0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ';

/** Does the ninth character of a 17-character VIN fit the others (49 CFR 565)? */
export function vinCheckDigitFits(vin: string): boolean {
  const sum = VIN_WEIGHTS.reduce(
    (total, weight, index) => total + weight * (VIN_VALUES.indexOf(vin.charAt(index)) % 10),
    0,
  );
  const remainder = sum % 11;
  return vin[8] === (remainder === 10 ? 'X' : String(remainder));
}
