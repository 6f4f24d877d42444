import { urlsOf } from '../common/missing-photo.js';
import { describeLanguages, missingPhotosOf, reviewOf, type LotRecord, type LotView } from '../jobs/lot-result.js';
import type { NeedsReviewDto } from '../jobs/lot-result.dto.js';
import { htmlText } from './html-text.js';
import { lotStatus } from '../jobs/states.js';

/** The first row of the file, with the names of the columns in the contract: those of the older service come first. */
export const CSV_HEADER =
  'job_id,lot_id,status,language,damages,missing_images,error,text,needs_review,photo_problems\r\n';

/** A lot's rows: one a language, or a single one without language where it has no descriptions. */
export function csvRows(jobId: string, lot: LotRecord, view: LotView): string {
  const status = lotStatus(lot.status, view.status);
  const missing = missingPhotosOf(lot);
  const problems = missing.map(({ url, reason }) => `${reason} ${url}`).join('; ');
  const error = lot.error === null ? '' : `${lot.error.code}: ${lot.error.message}`;
  const descriptions = lot.status === 'completed' ? describeLanguages(lot, view.languages) : [];
  const review = reviewCell(reviewOf(lot, view));
  const row = (language: string, damages: string) =>
    `${[jobId, lot.lotId, status, language, damages, urlsOf(missing).join(' '), error, htmlText(damages), review, problems].map(csvCell).join(',')}\r\n`;
  if (descriptions.length === 0) return row('', '');
  return descriptions.map(({ language, html }) => row(language, html)).join('');
}

/** `false`, or `true` with the reasons; empty for a lot from before. @param json - what `needs_review` shows */
function reviewCell(json: string | null): string {
  if (json === null) return '';
  const { value, reasons } = JSON.parse(json) as NeedsReviewDto;
  return reasons.length === 0 ? String(value) : `${value}: ${reasons.join('; ')}`;
}

/**
 * A cell by RFC 4180. A text that a spreadsheet would read as a formula gets a `'` in front. So does one that starts
 * with a tab or a carriage return, because spreadsheets skip these before looking for a formula (OWASP, CSV injection).
 */
export function csvCell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
