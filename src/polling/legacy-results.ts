import type { JobRecord } from '../jobs/job-columns.js';
import { aroundLots, describeLanguages, type LotRecord, type LotView } from '../jobs/lot-result.js';
import { lotStatus } from '../jobs/states.js';
import type { LegacyEndDto, LegacyLotDto } from './legacy.dto.js';
import { processingSummary, type ResultsLayout } from './results-text.js';

/** The source text always has this tag, whatever kind of English was asked for. */
const SOURCE = 'en';

/**
 * An ended job in the form of the older service: its status, and in addition the totals and the lots.
 * @param statusText - the status as JSON text
 */
export function legacyLayout(job: JobRecord, statusText: string): ResultsLayout {
  const end: LegacyEndDto = Object.assign(processingSummary(job), { results: [] });
  const [open, close] = aroundLots(end, 'results');
  return {
    contentType: 'application/json; charset=utf-8',
    head: `${statusText.slice(0, -1)},${open.slice(1)}`,
    separator: ',',
    tail: close,
    lot: (lot) => JSON.stringify(legacyLot(lot, job)),
  };
}

/**
 * A lot in the form of the older service: English is the result, even if the client did not ask for it, and all other
 * languages are translations.
 * @param lot - read with its English source
 */
function legacyLot(lot: LotRecord, view: LotView): LegacyLotDto {
  const completed = lot.status === 'completed';
  const shown = completed ? describeLanguages(lot, view.languages) : [];
  const source = completed ? lot.descriptions.find(({ language }) => language === SOURCE) : undefined;
  return {
    lot_id: lot.lotId,
    status: lotStatus(lot.status, view.status),
    vision_result: source?.html ?? null,
    translations: Object.fromEntries(
      shown.filter(({ language }) => language.toLowerCase() !== SOURCE).map(({ language, html }) => [language, html]),
    ),
    error_message: lot.error?.message ?? null,
    missing_images: lot.missingImages === null ? [] : (JSON.parse(lot.missingImages) as string[]),
  };
}
