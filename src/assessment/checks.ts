import type { AssessedPhoto, PhotoRef, RejectedRow, ReviewReason } from './assessment.js';
import { PHOTO_ISSUES } from './lot-flags.js';
import { claimsUndamaged, cleanText, textProblem } from './model-text.js';
import { endContradictsPart, normalizePlace, showsPart, typeFitsPart, type Damage } from './part-rules.js';
import { CONFIDENCES, PARTS, VIEWS } from './taxonomy.js';
import type { Area, Confidence, Part, PartInfo } from './taxonomy.js';
import type { FindingRow, VisionRows } from './vision-schema.js';

/** A row that passed, before equal ones are merged. */
export interface CheckedRow extends Damage {
  readonly description: string | null;
  readonly photos: readonly PhotoRef[];
  readonly reasons: readonly ReviewReason[];
}

/** The photos of a request by the model's numbers: position in what was sent, from 1. */
export class SentPhotos {
  constructor(private readonly photos: readonly AssessedPhoto[]) {}

  /** The photo, or undefined when the model cites one that it was never sent. */
  byNumber(number: number): AssessedPhoto | undefined {
    return this.photos[number - 1];
  }

  /** Those of the numbers that were sent and are usable, each once, in the model's order. */
  usable(numbers: readonly number[]): AssessedPhoto[] {
    return [...new Set(numbers)].flatMap((number) => this.byNumber(number) ?? []).filter((photo) => photo.usable);
  }
}

/** What the model says of each photo that was sent; one that it passed over shows nothing in particular. */
export function assessPhotos(rows: VisionRows, photos: readonly PhotoRef[]): readonly AssessedPhoto[] {
  return photos.map(({ number, url }, index) => {
    const said = rows.photos.find((photo) => photo.number === index + 1);
    if (said === undefined) {
      return { number, url, view: 'detail', usable: true, visible_parts: [], issues: [] };
    }
    const issues = [...new Set(said.issues)];
    return {
      number,
      url,
      view: said.view,
      usable: said.view !== 'unusable' && !issues.some((issue) => PHOTO_ISSUES[issue].effect === 'blinds'),
      visible_parts: [...new Set(said.visible_parts)],
      issues,
    };
  });
}

/** Sorts the model's rows into accepted ones, each with what speaks against it, and rejected ones. */
export function checkRows(
  rows: readonly FindingRow[],
  sent: SentPhotos,
): { readonly accepted: readonly CheckedRow[]; readonly rejected: readonly RejectedRow[] } {
  const accepted: CheckedRow[] = [];
  const rejected: RejectedRow[] = [];
  for (const row of rows) {
    const { part, side, end, type } = row;
    if (!row.photos.some((number) => sent.byNumber(number) !== undefined)) {
      rejected.push({ part, side, end, type, reason: 'photo_not_sent' });
      continue;
    }
    const photos = sent.usable(row.photos);
    if (photos.length === 0) {
      rejected.push({ part, side, end, type, reason: 'photo_unusable' });
      continue;
    }
    accepted.push(checkRow(row, photos, sent));
  }
  return { accepted, rejected };
}

function checkRow(row: FindingRow, photos: readonly AssessedPhoto[], sent: SentPhotos): CheckedRow {
  const reasons: ReviewReason[] = [];
  if (row.photos.some((number) => sent.byNumber(number) === undefined)) {
    reasons.push('photo_not_sent');
  }
  const showing = photos.filter((photo) => showsPart(photo.visible_parts, row.part));
  if (showing.length === 0) {
    reasons.push('part_not_visible');
  }
  if (!typeFitsPart(row.type, row.part)) {
    reasons.push('type_does_not_fit_part');
  }
  const contradictions = contradictionsOf(row, sent.byNumber(row.photos[0] ?? 0));
  const text = checkText(row.description);
  return {
    ...normalizePlace(row),
    type: row.type,
    severity: row.severity,
    confidence: contradictions.length > 0 ? lowered(row.confidence) : row.confidence,
    description: text.text,
    // Photos that do not show the part are no evidence, as long as one is left that does.
    photos: (showing.length > 0 ? showing : photos).map(({ number, url }) => ({ number, url })),
    reasons: [...reasons, ...contradictions, ...text.reasons],
  };
}

/** One step less sure. */
export function lowered(confidence: Confidence): Confidence {
  return CONFIDENCES[Math.max(0, CONFIDENCES.indexOf(confidence) - 1)] ?? 'low';
}

function contradictionsOf(row: FindingRow, first: AssessedPhoto | undefined): ReviewReason[] {
  const reasons: ReviewReason[] = [];
  if (endContradictsPart(row)) {
    reasons.push('end_contradicts_part');
  }
  if (first !== undefined && first.view !== row.viewpoint) {
    reasons.push('viewpoint_contradicts_photo');
  }
  if (sideContradictsView(row) || endContradictsView(row)) {
    reasons.push('side_contradicts_view');
  }
  return reasons;
}

/** Parts that stick out far enough to be seen from the other side. */
const SEEN_ACROSS: ReadonlySet<Part> = new Set(['fender', 'mirror', 'pillar']);

/**
 * Seen from the front the car's left is on the picture's right, seen from the rear on its left; a photo of the right
 * flank shows no left door. Left and right are what models get wrong most (up to two rows a lot in published runs).
 */
function sideContradictsView({ part, side, viewpoint, in_picture }: FindingRow): boolean {
  const { sided, area }: PartInfo = PARTS[part];
  if (sided === 'none' || (side !== 'left' && side !== 'right')) {
    return false;
  }
  if (viewpoint === 'front' || viewpoint === 'rear') {
    return in_picture !== 'middle' && (viewpoint === 'rear') !== (in_picture === side);
  }
  const shown: readonly Area[] = VIEWS[viewpoint].areas;
  const other = side === 'left' ? 'right_side' : 'left_side';
  return area === 'by_side' && !SEEN_ACROSS.has(part) && shown.includes(other);
}

function endContradictsView({ part, end, viewpoint }: FindingRow): boolean {
  const shown: readonly Area[] = VIEWS[viewpoint].areas;
  const { area }: PartInfo = PARTS[part];
  return area === 'by_end' && end !== 'n/a' && shown.includes(end === 'front' ? 'rear' : 'front');
}

/** Ten times what a text may have once it is cleaned: an honest one may carry joiners and marks, not so many. */
const MOST_RAW_CHARACTERS = 4_000;

/** A text of the model's, if a buyer may read it, and what spoke against it otherwise. */
export function checkText(raw: string): { readonly text: string | null; readonly reasons: readonly ReviewReason[] } {
  // Too long whatever it says; the patterns would take seconds to find out what.
  if (raw.length > MOST_RAW_CHARACTERS) {
    return { text: null, reasons: ['suspicious_text'] };
  }
  const text = cleanText(raw);
  // Invisible characters and styled letters hide words from the patterns but not from a reader.
  const problem = textProblem(text) ?? textProblem(text.normalize('NFKC'));
  if (problem !== null) {
    return { text: null, reasons: ['suspicious_text'] };
  }
  if (claimsUndamaged(text)) {
    return { text: null, reasons: ['unsupported_claim'] };
  }
  return { text: text === '' ? null : text, reasons: [] };
}
