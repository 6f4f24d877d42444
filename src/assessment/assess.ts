import { countsFromZero, withoutNumbers } from './ask-again.js';
import type { Assessment, AssessedPhoto, AreaCoverage, Finding, PhotoRef, RejectedRow } from './assessment.js';
import { assessPhotos, checkRows, SentPhotos } from './checks.js';
import type { CheckedRow } from './checks.js';
import { conditionBandOf, damageAreasOf } from './conclusions.js';
import { areasWith, coverageOf, coverageScore, isGood } from './coverage.js';
import { flagsOf, readingsOf } from './lot-facts.js';
import { lotReviewReasons } from './lot-review.js';
import { mergeRows } from './merge.js';
import type { Recogniser } from './notes/recogniser.js';
import { normalizePlace } from './part-rules.js';
import { interiorOf, tyresOf, vehicleOf } from './vehicle-facts.js';
import type { VisionRows } from './vision-rows.js';
import { SCHEMA_VERSION } from './vision-schema.js';

/**
 * From the model's rows to what we stand by: photos resolved, rows checked and merged, everything else derived.
 * @param said - as they passed the schema
 * @param photos - those that were sent, in the order sent, with their numbers in the client's list
 * @param recogniser - where notes were asked for; without it there are none
 */
export function assess(
  said: VisionRows,
  photos: readonly PhotoRef[],
  origin: { readonly model: string; readonly promptVersion: string; readonly simulated?: boolean },
  recogniser: Recogniser | null = null,
): Assessment {
  const misnumbered = countsFromZero(said);
  const rows = misnumbered ? withoutNumbers(said, photos.length) : said;
  const assessed = assessPhotos(rows, photos);
  const sent = new SentPhotos(assessed, rows.vehicle.kind);
  const { accepted, rejected } = checkRows(rows.findings, sent, misnumbered, recogniser);
  const findings = mergeRows(accepted).map(toFinding);
  const areas = coverageOf(rows.vehicle.kind, assessed, findings, rows.not_visible);
  const { flags, reasons: flagReasons } = flagsOf(rows.flags, sent, findings, areas);
  const unconfirmed =
    rejected.some((row) => !findings.some((found) => isSame(row, found))) || flagReasons.includes('flag_not_shown');
  const assessable =
    findings.length > 0 ||
    Object.values(flags).some(({ value }) => value === true) ||
    (rows.vehicle.kind !== 'none' && showsSomething(areas, assessed));
  const vehicle = vehicleOf(rows, sent);
  const mismatch = [...new Set(rows.listing_mismatch)];
  const reviewReasons = lotReviewReasons({
    findings,
    rejected,
    flagReasons,
    vehicle,
    mismatch,
    assessable,
    described: photos.every((_, index) => rows.photos.some(({ number }) => number === index + 1)),
  });
  return {
    model: origin.model,
    prompt_version: origin.promptVersion,
    schema_version: SCHEMA_VERSION,
    simulated: origin.simulated ?? false,
    glossary: {},
    assessable,
    photos: assessed,
    findings,
    rejected,
    coverage: { score: coverageScore(areas), areas },
    not_visible: areasWith(areas, 'not_visible'),
    ignored: rows.ignored.flatMap(({ kind, photo }) =>
      sent.usable([photo]).map(({ number, url }) => ({ kind, photo: { number, url } })),
    ),
    flags,
    vehicle,
    interior: interiorOf(rows, sent, findings),
    tyres: tyresOf(rows, sent, findings),
    listing_mismatch: mismatch,
    unconfirmed,
    readings: readingsOf(rows.readings, sent),
    remarks: [],
    damage_areas: damageAreasOf(findings, flags),
    condition_band: conditionBandOf(findings, flags, areas, unconfirmed),
    needs_review: reviewReasons.length > 0,
    review_reasons: reviewReasons,
  };
}

/** A row that was left out, told by another one with better photos. */
function isSame(row: RejectedRow, { part, side, end, type }: Finding): boolean {
  const place = normalizePlace(row);
  return place.part === part && place.side === side && place.end === end && row.type === type;
}

/** Is there an area of which it can be said that no damage is visible, or a close-up that shows a part clearly? */
function showsSomething(areas: readonly AreaCoverage[], photos: readonly AssessedPhoto[]): boolean {
  return (
    areasWith(areas, 'no_visible_damage').length > 0 ||
    photos.some((photo) => photo.view === 'detail' && photo.visible_parts.length > 0 && isGood(photo))
  );
}

function toFinding(row: CheckedRow, index: number): Finding {
  const { seen: _, reasons, ...damage } = row;
  return { id: index + 1, ...damage, needs_review: reasons.length > 0, review_reasons: reasons };
}
