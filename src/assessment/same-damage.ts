import type { ReviewReason } from './assessment.js';
import type { CheckedRow } from './checks.js';
import { COUNTS, type Extent, type Zone } from './damage-details.js';
import { codesOf } from './part-rules.js';
import { CONFIDENCES, PARTS, SEVERITIES } from './taxonomy.js';
import type { DamageType, PartInfo, Severity } from './taxonomy.js';

/**
 * Do two rows tell the same damage? In photos of their own they are told in different words each time, and are one unless the words
 * exclude it. In one and the same photo the model saw them beside each other, and they are two unless nothing tells them apart.
 */
export function detailsAgree(a: CheckedRow, b: CheckedRow): boolean {
  // What is the same in one photo is so in two, and this is cheaper to find out than whether they share one.
  const mayBeOne =
    sameKind(a.type, b.type) &&
    zonesMayBeOne(a.zone, b.zone) &&
    stepsBetween(EXTENT_RANKS[a.extent], EXTENT_RANKS[b.extent]) <= 1 &&
    stepsBetween(severityRank(a.severity), severityRank(b.severity)) <= 1;
  if (!mayBeOne) return false;
  return !sharePhoto(a, b) || (a.type === b.type && sameSpot(a, b) && noDetailDiffers(a, b));
}

export function sharePhoto(a: CheckedRow, b: CheckedRow): boolean {
  const numbers = numbersOf(a);
  return b.photos.some(({ number }) => numbers.has(number));
}

/** Made once a row: each is held against every other of its part. */
const NUMBERS = new WeakMap<CheckedRow['photos'], ReadonlySet<number>>();

function numbersOf({ photos }: CheckedRow): ReadonlySet<number> {
  const known = NUMBERS.get(photos);
  if (known !== undefined) return known;
  const numbers = new Set(photos.map(({ number }) => number));
  NUMBERS.set(photos, numbers);
  return numbers;
}

/** Whether both lie at the same place of a picture that both were seen in; true where no picture says otherwise. */
function sameSpot(a: CheckedRow, b: CheckedRow): boolean {
  return a.seen.spots.every((spot) => {
    const photo = spot.slice(0, spot.indexOf(':') + 1);
    const there = b.seen.spots.filter((other) => other.startsWith(photo));
    return there.length === 0 || there.includes(spot);
  });
}

/** No detail that both rows know differs, and both know where and how far: what a mirrored twin must have. */
export function samePlaceExactly(a: CheckedRow, b: CheckedRow): boolean {
  return (
    a.zone !== 'unknown' &&
    a.extent !== 'unknown' &&
    a.zone === b.zone &&
    a.extent === b.extent &&
    noDetailDiffers(a, b)
  );
}

function noDetailDiffers(a: CheckedRow, b: CheckedRow): boolean {
  const alike = (one: string, other: string) => one === other || one === 'unknown' || other === 'unknown';
  return (
    alike(a.zone, b.zone) &&
    alike(a.extent, b.extent) &&
    alike(a.severity, b.severity) &&
    (a.through === b.through || a.through === 'none' || b.through === 'none')
  );
}

/** A rubbed area and a line in the paint are one word or the other from photo to photo. */
const SURFACE: ReadonlySet<DamageType> = new Set(['scratch', 'scuff']);

function sameKind(a: DamageType, b: DamageType): boolean {
  return a === b || (SURFACE.has(a) && SURFACE.has(b));
}

const APART: readonly (readonly [Zone, Zone])[] = [
  ['upper_half', 'lower_half'],
  ['front_section', 'rear_section'],
  ['middle', 'edge'],
  ['middle', 'corner'],
];

function zonesMayBeOne(a: Zone, b: Zone): boolean {
  return !APART.some(([one, other]) => (a === one && b === other) || (a === other && b === one));
}

const EXTENT_RANKS: Readonly<Record<Extent, number | null>> = {
  spot: 1,
  hand: 2,
  long: 3,
  whole_part: 4,
  unknown: null,
};

function severityRank(severity: Severity): number | null {
  return severity === 'unknown' ? null : SEVERITIES[severity].rank;
}

function stepsBetween(a: number | null, b: number | null): number {
  return a === null || b === null ? 0 : Math.abs(a - b);
}

/** Reasons that make it doubtful where, or how bad, a damage is: another sure row does not take them away. */
const DOUBTS: ReadonlySet<ReviewReason> = new Set<ReviewReason>([
  'end_contradicts_part',
  'side_contradicts_view',
  'viewpoint_contradicts_photo',
  'severity_contradiction',
  'side_contradiction',
]);

/** Two rows as one, at the place that is given: all photos, the higher severity, and every doubt of either. */
export function bothOf(a: CheckedRow, b: CheckedRow, place: Pick<CheckedRow, 'side' | 'end'>): CheckedRow {
  const [first, second] = compareWeight(a, b) <= 0 ? [a, b] : [b, a];
  const reasons = new Set<ReviewReason>([...first.reasons, ...second.reasons]);
  const surest = Math.max(CONFIDENCES.indexOf(a.confidence), CONFIDENCES.indexOf(b.confidence));
  const caps = [a, b].filter((row) => row.reasons.some((reason) => DOUBTS.has(reason)));
  let confidence = Math.min(surest, ...caps.map((row) => CONFIDENCES.indexOf(row.confidence)));
  const newDoubts: ReviewReason[] = [
    ...(stepsBetween(severityRank(a.severity), severityRank(b.severity)) > 0
      ? (['severity_contradiction'] as const)
      : []),
    ...(sidesDiffer(a, b) ? (['side_contradiction'] as const) : []),
  ];
  for (const doubt of newDoubts) {
    if (!reasons.has(doubt)) confidence = Math.min(confidence, Math.max(0, surest - 1));
    reasons.add(doubt);
  }
  return {
    ...first,
    side: place.side,
    end: place.end,
    confidence: CONFIDENCES[confidence] ?? 'low',
    zone: known(first.zone, second.zone),
    extent: (EXTENT_RANKS[second.extent] ?? 0) > (EXTENT_RANKS[first.extent] ?? 0) ? second.extent : first.extent,
    count: COUNT_ORDER.indexOf(second.count) > COUNT_ORDER.indexOf(first.count) ? second.count : first.count,
    through: first.through === 'none' ? second.through : first.through,
    // A note of another damage type may name what this row is not.
    description: first.description ?? (first.type === second.type ? second.description : null),
    photos: distinctPhotos([...a.photos, ...b.photos]),
    reasons: [...reasons],
    seen: {
      spots: [...new Set([...first.seen.spots, ...second.seen.spots])],
      sideShown: a.seen.sideShown || b.seen.sideShown,
      closeUp: a.seen.closeUp && b.seen.closeUp,
    },
  };
}

const COUNT_ORDER = codesOf(COUNTS);

/** The place on the part that both may mean; where they name two, neither is told. */
function known(a: Zone, b: Zone): Zone {
  if (a === 'unknown' || a === b) return b;
  return b === 'unknown' ? a : 'unknown';
}

function sidesDiffer(a: CheckedRow, b: CheckedRow): boolean {
  const named = (side: string) => side === 'left' || side === 'right' || side === 'center';
  return named(a.side) && named(b.side) && a.side !== b.side;
}

export function distinctPhotos(photos: CheckedRow['photos']): CheckedRow['photos'] {
  const byNumber = new Map(photos.map((photo) => [photo.number, photo] as const));
  return [...byNumber.values()].toSorted((a, b) => a.number - b.number);
}

/** The heavier first, then the surer. */
export function compareWeight(a: CheckedRow, b: CheckedRow): number {
  return (
    SEVERITIES[b.severity].rank - SEVERITIES[a.severity].rank ||
    CONFIDENCES.indexOf(b.confidence) - CONFIDENCES.indexOf(a.confidence)
  );
}

/** A place of which something is not known: the side of a part that has sides, or the end of one that is at both. */
export function isVague({ part, side, end }: CheckedRow): boolean {
  const { sided, end: ends }: PartInfo = PARTS[part];
  return (sided !== 'none' && (side === 'unknown' || side === 'n/a')) || (ends === 'either' && end === 'n/a');
}
