import type { CheckedRow } from './checks.js';
import { codesOf } from './part-rules.js';
import {
  bothOf,
  compareWeight,
  detailsAgree,
  distinctPhotos,
  isVague,
  samePlaceExactly,
  sharePhoto,
} from './same-damage.js';
import { DAMAGE_TYPES, PARTS, SEVERITIES } from './taxonomy.js';
import type { Part, PartInfo } from './taxonomy.js';

/**
 * One row for each damage, however often it is told: in several photos, in slightly different words, without its side, or as left from
 * one side and right from the other. `other` is left alone, because two parts that have no name are not one. Merging again
 * changes nothing.
 * @returns the worst first, then in the order of the taxonomy
 */
export function mergeRows(rows: readonly CheckedRow[]): readonly CheckedRow[] {
  const byPart = new Map<Part, CheckedRow[]>();
  for (const row of rows) {
    const group = byPart.get(row.part);
    if (group === undefined) byPart.set(row.part, [row]);
    else group.push(row);
  }
  return [...byPart.entries()]
    .flatMap(([part, group]) => (part === 'other' ? group : mergePart(group)))
    .map((row) => ({ ...row, photos: distinctPhotos(row.photos), reasons: [...new Set(row.reasons)] }))
    .toSorted(byWeight);
}

/** One pass of one rule. @returns the very rows that were given where nothing joins */
type Pass = (rows: readonly CheckedRow[]) => readonly CheckedRow[];

/** The surest first. */
const PASSES: readonly Pass[] = [pairwise(samePlace), pairwise(mirrored), pairwise(neighbours), joinVague];

function mergePart(group: readonly CheckedRow[]): readonly CheckedRow[] {
  let rows: readonly CheckedRow[] = group.toSorted(byWeight);
  for (let at = 0; at < PASSES.length;) {
    const joined = PASSES[at]?.(rows) ?? rows;
    // A joined row may be the same as another by an earlier rule.
    at = joined === rows ? at + 1 : 0;
    rows = joined;
  }
  return rows;
}

/** @param joining - two rows as one; null where they are two */
function pairwise(joining: (a: CheckedRow, b: CheckedRow) => CheckedRow | null): Pass {
  return (rows) => {
    const kept: CheckedRow[] = [];
    for (const row of rows) {
      let both: CheckedRow | null = null;
      for (let at = 0; at < kept.length && both === null; at += 1) {
        both = joining(kept[at] ?? row, row);
        if (both !== null) kept[at] = both;
      }
      if (both === null) kept.push(row);
    }
    return kept.length === rows.length ? rows : kept;
  };
}

function samePlace(a: CheckedRow, b: CheckedRow): CheckedRow | null {
  return a.side === b.side && a.end === b.end && detailsAgree(a, b) ? bothOf(a, b, a) : null;
}

/**
 * Left in one row and right in another, in the same place: one damage whose side is not known. Not so where photos of both sides bear
 * out both: kerbed rims come in pairs.
 */
function mirrored(a: CheckedRow, b: CheckedRow): CheckedRow | null {
  const { sided }: PartInfo = PARTS[a.part];
  const sides = [a.side, b.side].toSorted().join();
  if (sided !== 'pair' || sides !== 'left,right' || a.end !== b.end || a.type !== b.type) return null;
  const oneIsWrong = [a, b].some(({ reasons }) => reasons.includes('side_contradicts_view'));
  const neitherIsShown = !a.seen.sideShown && !b.seen.sideShown;
  const same =
    (oneIsWrong && detailsAgree(a, b)) ||
    (sharePhoto(a, b) && detailsAgree(a, b)) ||
    (neitherIsShown && samePlaceExactly(a, b));
  return same ? bothOf(a, b, { side: 'unknown', end: a.end }) : null;
}

/** The middle of a wide part and one of its halves, in photos of their own: a mark near the line between them. */
function neighbours(a: CheckedRow, b: CheckedRow): CheckedRow | null {
  const { sided }: PartInfo = PARTS[a.part];
  if (sided !== 'wide' || a.end !== b.end || sharePhoto(a, b) || !detailsAgree(a, b)) return null;
  const halves = [a.side, b.side].filter((side) => side === 'left' || side === 'right');
  if (halves.length !== 1 || ![a.side, b.side].includes('center')) return null;
  return bothOf(a, b, compareWeight(a, b) <= 0 ? a : b);
}

/**
 * A row of unknown side or end joins the only row that it can mean, where both are in one photo or it is a close-up, which tells no
 * side. Of a part that there is only one of, it joins the heaviest such row.
 */
function joinVague(rows: readonly CheckedRow[]): readonly CheckedRow[] {
  let current = rows;
  for (const row of rows.filter(isVague)) {
    const twins = current.filter((other) => canMean(row, other));
    const [twin] = twins;
    const { sided }: PartInfo = PARTS[row.part];
    if (twin === undefined || (twins.length > 1 && sided === 'pair')) continue;
    const both = bothOf(row, twin, twin);
    current = current.filter((other) => other !== row).map((other) => (other === twin ? both : other));
  }
  return current;
}

function canMean(row: CheckedRow, twin: CheckedRow): boolean {
  if (!isVague(row) || isVague(twin)) return false;
  const sideFits = row.side === twin.side || row.side === 'unknown' || row.side === 'n/a';
  const endFits = row.end === twin.end || row.end === 'n/a';
  return sideFits && endFits && (row.seen.closeUp || sharePhoto(row, twin)) && detailsAgree(row, twin);
}

const PART_ORDER = codesOf(PARTS);
const TYPE_ORDER = codesOf(DAMAGE_TYPES);

function byWeight(a: CheckedRow, b: CheckedRow): number {
  return (
    SEVERITIES[b.severity].rank - SEVERITIES[a.severity].rank ||
    PART_ORDER.indexOf(a.part) - PART_ORDER.indexOf(b.part) ||
    a.end.localeCompare(b.end, 'en') ||
    a.side.localeCompare(b.side, 'en') ||
    TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type) ||
    (a.photos[0]?.number ?? 0) - (b.photos[0]?.number ?? 0)
  );
}
