import type { ReviewReason } from './assessment.js';
import { lowered } from './checks.js';
import type { CheckedRow } from './checks.js';
import { codesOf } from './part-rules.js';
import { CONFIDENCES, DAMAGE_TYPES, PARTS, SEVERITIES } from './taxonomy.js';

/**
 * One row for each damage: rows of the same part, side, end and type become one with all their photos, the highest
 * severity and its text. Rows that disagree on the severity lower the confidence by a step and ask for a review. A row
 * of unknown side joins the only row of known side that shares a photo with it. Merging again changes nothing.
 * @returns the worst first, then in the order of the taxonomy
 */
export function mergeRows(rows: readonly CheckedRow[]): readonly CheckedRow[] {
  const groups = new Map<string, CheckedRow[]>();
  for (const row of rows) {
    const key = [row.part, row.side, row.end, row.type].join('|');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return joinUnknownSides([...groups.values()].map(mergeGroup)).toSorted(byWeight);
}

function mergeGroup(group: readonly CheckedRow[]): CheckedRow {
  const [first, ...others] = group.toSorted(
    (a, b) =>
      SEVERITIES[b.severity].rank - SEVERITIES[a.severity].rank ||
      CONFIDENCES.indexOf(b.confidence) - CONFIDENCES.indexOf(a.confidence),
  );
  if (first === undefined) {
    throw new Error('a group of rows is never empty');
  }
  if (others.length === 0) {
    return { ...first, photos: distinctPhotos(group), reasons: [...new Set(first.reasons)] };
  }
  const severities = new Set(group.map((row) => row.severity).filter((severity) => severity !== 'unknown'));
  const surest = CONFIDENCES.findLast((level) => group.some((row) => row.confidence === level)) ?? 'low';
  const reasons = new Set<ReviewReason>(group.flatMap((row) => row.reasons));
  if (severities.size > 1) {
    reasons.add('severity_contradiction');
  }
  return {
    ...first,
    confidence: severities.size > 1 ? lowered(surest) : surest,
    description: first.description ?? others.find((row) => row.description !== null)?.description ?? null,
    photos: distinctPhotos(group),
    reasons: [...reasons],
  };
}

function distinctPhotos(group: readonly CheckedRow[]): CheckedRow['photos'] {
  const byNumber = new Map(group.flatMap((row) => row.photos.map((photo) => [photo.number, photo] as const)));
  return [...byNumber.values()].toSorted((a, b) => a.number - b.number);
}

/** The same damage told twice, once without its side, would read as two. */
function joinUnknownSides(rows: readonly CheckedRow[]): CheckedRow[] {
  let joined = [...rows];
  for (const row of rows.filter(({ side }) => side === 'unknown')) {
    const twins = joined.filter((other) => isTwin(other, row));
    const [twin] = twins;
    if (twin !== undefined && twins.length === 1) {
      const merged = mergeGroup([twin, { ...row, side: twin.side }]);
      joined = joined.filter((other) => other !== row).map((other) => (other === twin ? merged : other));
    }
  }
  return joined;
}

function isTwin(other: CheckedRow, row: CheckedRow): boolean {
  return (
    other.side !== 'unknown' &&
    other.part === row.part &&
    other.end === row.end &&
    other.type === row.type &&
    other.photos.some(({ number }) => row.photos.some((photo) => photo.number === number))
  );
}

const PART_ORDER = codesOf(PARTS);
const TYPE_ORDER = codesOf(DAMAGE_TYPES);

function byWeight(a: CheckedRow, b: CheckedRow): number {
  return (
    SEVERITIES[b.severity].rank - SEVERITIES[a.severity].rank ||
    PART_ORDER.indexOf(a.part) - PART_ORDER.indexOf(b.part) ||
    a.end.localeCompare(b.end, 'en') ||
    a.side.localeCompare(b.side, 'en') ||
    TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type)
  );
}
