import type { AssessedPhoto, PhotoRef, RejectedRow, ReviewReason } from './assessment.js';
import type { Count, Extent, Through, Zone } from './damage-details.js';
import { contradictionsOf, sideIsShown } from './geometry.js';
import { PHOTO_ISSUES } from './lot-flags.js';
import { areEnglish, checkNote } from './notes/english-note.js';
import type { Recogniser } from './notes/recogniser.js';
import { canShow, normalizePlace, typeFitsPart, type Damage } from './part-rules.js';
import { CONFIDENCES } from './taxonomy.js';
import type { Confidence, DamageType } from './taxonomy.js';
import type { VehicleKind } from './vehicle.js';
import type { FindingRow, VisionRows } from './vision-rows.js';

/** A row that passed, before equal ones are merged. */
export interface CheckedRow extends Damage {
  readonly zone: Zone;
  readonly extent: Extent;
  readonly count: Count;
  readonly through: Through;
  readonly description: string | null;
  readonly photos: readonly PhotoRef[];
  readonly reasons: readonly ReviewReason[];
  readonly seen: Seen;
}

/** How a row was seen: what tells two damages from one that is told twice. */
interface Seen {
  /** `photo:position`: where in its first photo; several once rows are merged. */
  readonly spots: readonly string[];
  /** A photo of that very side bears the side out. */
  readonly sideShown: boolean;
  /** Only close-ups show it, which tell no side. */
  readonly closeUp: boolean;
}

/** The photos of a request by the model's numbers: position in what was sent, from 1. */
export class SentPhotos {
  constructor(
    private readonly photos: readonly AssessedPhoto[],
    readonly kind: VehicleKind,
  ) {}

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
      return { number, url, view: 'detail', looking: 'unknown', usable: true, visible_parts: [], issues: [] };
    }
    const issues = [...new Set(said.issues)];
    return {
      number,
      url,
      view: said.view,
      looking: said.view === 'interior' ? said.looking : 'unknown',
      usable: said.view !== 'unusable' && !issues.some((issue) => PHOTO_ISSUES[issue].effect === 'blinds'),
      visible_parts: [...new Set(said.visible_parts)],
      issues,
    };
  });
}

/**
 * Sorts the model's rows into accepted ones, each with what speaks against it, and rejected ones. A severe damage stands even where it
 * cites no photo that was sent: to leave it out would read as if there were none.
 * @param misnumbered - the answer's photo numbers mean nothing, so that no row can cite one
 * @param recogniser - judges the language of notes; null where none were asked for, and one that comes all the same is dropped
 */
export function checkRows(
  rows: readonly FindingRow[],
  sent: SentPhotos,
  misnumbered: boolean,
  recogniser: Recogniser | null,
): { readonly accepted: readonly CheckedRow[]; readonly rejected: readonly RejectedRow[] } {
  const accepted: CheckedRow[] = [];
  const rejected: RejectedRow[] = [];
  for (const row of rows) {
    const { part, side, end, type } = row;
    const cited = row.photos.some((number) => sent.byNumber(number) !== undefined);
    const photos = sent.usable(row.photos);
    if (photos.length > 0 || (!cited && (misnumbered || row.severity === 'severe'))) {
      accepted.push(checkRow(row, photos, sent, recogniser !== null));
    } else {
      rejected.push({ part, side, end, type, reason: cited ? 'photo_unusable' : 'photo_not_sent' });
    }
  }
  return { accepted: recogniser === null ? accepted : withEnglishNotes(accepted, recogniser), rejected };
}

/** Drops notes that are not English, which only all notes of a lot together tell surely. */
function withEnglishNotes(rows: readonly CheckedRow[], recogniser: Recogniser): readonly CheckedRow[] {
  const noted = rows.filter(({ description }) => description !== null);
  const english = areEnglish(
    noted.map(({ description }) => description ?? ''),
    recogniser,
  );
  const foreign = new Set(noted.filter((_, index) => english[index] !== true));
  return rows.map((row) =>
    foreign.has(row) ? { ...row, description: null, reasons: [...row.reasons, 'note_refused'] } : row,
  );
}

const NO_NOTE = { note: null, reasons: [] } as const;

/** A part that is gone, or hangs somewhere else, need not be seen where it was. */
const NEEDS_NO_PART: ReadonlySet<DamageType> = new Set(['missing_part', 'detached']);

function checkRow(row: FindingRow, photos: readonly AssessedPhoto[], sent: SentPhotos, withNotes: boolean): CheckedRow {
  const reasons: ReviewReason[] = [];
  if (photos.length === 0 || row.photos.some((number) => sent.byNumber(number) === undefined)) {
    reasons.push('photo_not_sent');
  }
  const showing = photos.filter((photo) => canShow(photo, row.part, sent.kind));
  if (photos.length > 0 && showing.length === 0 && !NEEDS_NO_PART.has(row.type)) {
    reasons.push('part_not_visible');
  }
  if (!typeFitsPart(row.type, row.part)) {
    reasons.push('type_does_not_fit_part');
  }
  const contradictions = contradictionsOf(row, sent.byNumber(row.photos[0] ?? 0));
  const { note, reasons: noteReasons } = withNotes ? checkNote(row.note ?? '', row.type) : NO_NOTE;
  const place = normalizePlace(row);
  // Photos that do not show the part are no evidence, as long as one is left that does.
  const evidence = showing.length > 0 ? showing : photos;
  const doubtful = contradictions.length > 0 || photos.length === 0;
  return {
    ...place,
    type: row.type,
    severity: row.severity,
    confidence: doubtful ? lowered(row.confidence) : row.confidence,
    zone: row.zone,
    extent: row.extent,
    count: row.count,
    through: row.through,
    description: note,
    photos: evidence.map(({ number, url }) => ({ number, url })),
    reasons: [...reasons, ...contradictions, ...noteReasons],
    seen: {
      spots: photos[0] === undefined ? [] : [`${photos[0].number}:${row.in_picture}`],
      sideShown: contradictions.length === 0 && sideIsShown(row, evidence),
      closeUp: evidence.length > 0 && evidence.every(({ view }) => view === 'detail'),
    },
  };
}

/** One step less sure. */
function lowered(confidence: Confidence): Confidence {
  return CONFIDENCES[Math.max(0, CONFIDENCES.indexOf(confidence) - 1)] ?? 'low';
}
