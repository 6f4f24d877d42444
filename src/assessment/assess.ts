import type { Assessment, Finding, PhotoRef } from './assessment.js';
import { assessPhotos, checkRows, checkText, SentPhotos } from './checks.js';
import type { CheckedRow } from './checks.js';
import { conditionBandOf, damageAreasOf } from './conclusions.js';
import { areasWith, coverageOf, coverageScore } from './coverage.js';
import { flagsOf, readingsOf } from './lot-facts.js';
import { mergeRows } from './merge.js';
import { SCHEMA_VERSION } from './vision-schema.js';
import type { VisionRows } from './vision-schema.js';

const MOST_REMARKS = 5;

/**
 * From the model's rows to what we stand by: photos resolved, rows checked and merged, everything else derived.
 * @param rows - as they passed the schema
 * @param photos - those that were sent, in the order sent, with their numbers in the client's list
 */
export function assess(
  rows: VisionRows,
  photos: readonly PhotoRef[],
  origin: { readonly model: string; readonly promptVersion: string },
): Assessment {
  const assessed = assessPhotos(rows, photos);
  const sent = new SentPhotos(assessed);
  const { accepted, rejected } = checkRows(rows.findings, sent);
  const findings = mergeRows(accepted).map(toFinding);
  const areas = coverageOf(assessed, findings, rows.not_visible);
  const flags = flagsOf(rows.flags, sent, findings, areas);
  const remarks = remarksOf(rows, sent);
  return {
    model: origin.model,
    prompt_version: origin.promptVersion,
    schema_version: SCHEMA_VERSION,
    assessable: findings.length > 0 || assessed.some(({ usable, view }) => usable && view !== 'document_or_plate'),
    photos: assessed,
    findings,
    rejected,
    coverage: { score: coverageScore(areas), areas },
    not_visible: areasWith(areas, 'not_visible'),
    ignored: rows.ignored.flatMap(({ kind, photo }) =>
      sent.usable([photo]).map(({ number, url }) => ({ kind, photo: { number, url } })),
    ),
    flags,
    readings: readingsOf(rows.readings, sent),
    remarks: remarks.accepted,
    damage_areas: damageAreasOf(findings, flags),
    condition_band: conditionBandOf(findings, flags, areas),
    needs_review: remarks.suspicious || rejected.length > 0 || findings.some((finding) => finding.needs_review),
  };
}

function toFinding(row: CheckedRow, index: number): Finding {
  const { part, side, end, type, severity, confidence, description, photos, reasons } = row;
  return {
    id: index + 1,
    part,
    side,
    end,
    type,
    severity,
    confidence,
    description,
    photos,
    needs_review: reasons.length > 0,
    review_reasons: reasons,
  };
}

function remarksOf(
  rows: VisionRows,
  sent: SentPhotos,
): { readonly accepted: Assessment['remarks']; readonly suspicious: boolean } {
  const accepted: { text: string; photo: PhotoRef }[] = [];
  let suspicious = false;
  for (const remark of rows.remarks) {
    const { text, reasons } = checkText(remark.text);
    suspicious ||= reasons.includes('suspicious_text');
    // A remark may come from a photo that shows no car (a note in the picture), so any photo that was sent will do.
    const photo = sent.byNumber(remark.photo);
    if (text !== null && photo !== undefined && accepted.length < MOST_REMARKS) {
      accepted.push({ text, photo: { number: photo.number, url: photo.url } });
    }
  }
  return { accepted, suspicious };
}
