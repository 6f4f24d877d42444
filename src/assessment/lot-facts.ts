import type { Assessment, AreaCoverage, Finding, FlagResult, ReadingResult } from './assessment.js';
import { areasWith, refs } from './coverage.js';
import type { SentPhotos } from './checks.js';
import { cleanText } from './model-text.js';
import { LOT_FLAGS, READINGS } from './lot-flags.js';
import type { LotFlag, LotFlagInfo, Reading } from './lot-flags.js';
import { codesOf } from './part-rules.js';
import type { VisionRows } from './vision-schema.js';

/**
 * The lot's flags. "Yes" needs a usable photo, or a finding that says the same; "no" needs a photo of an area where it
 * would show; all else cannot be told.
 */
export function flagsOf(
  said: VisionRows['flags'],
  sent: SentPhotos,
  findings: readonly Finding[],
  areas: readonly AreaCoverage[],
): Assessment['flags'] {
  const shown = areasWith(areas, 'damaged', 'no_visible_damage');
  const entries = codesOf(LOT_FLAGS).map((flag): [LotFlag, FlagResult] => {
    const { impliedBy, needs }: LotFlagInfo = LOT_FLAGS[flag];
    const evidence = sent.usable(said[flag].photos);
    const implying = findings.filter(({ type, confidence }) => impliedBy.includes(type) && confidence !== 'low');
    const photos = refs([
      ...(said[flag].value === 'yes' ? evidence : []),
      ...implying.flatMap((finding) => finding.photos),
    ]);
    if (photos.length > 0) {
      return [flag, { value: true, photos }];
    }
    const denied = said[flag].value === 'no' && needs.some((area) => shown.includes(area));
    return [flag, { value: denied ? false : null, photos: [] }];
  });
  return Object.fromEntries(entries) as Assessment['flags'];
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
    if (values.some(({ value }) => value !== first.value)) {
      return [kind, null];
    }
    const { number, url } = first.photo;
    const result: ReadingResult = { value: first.value, photo: { number, url } };
    return [kind, kind === 'vin' ? { ...result, check_digit_valid: vinCheckDigitFits(first.value) } : result];
  });
  return Object.fromEntries(entries) as Assessment['readings'];
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
