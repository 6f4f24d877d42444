import { assess } from '../assessment/assess.js';
import type { Assessment } from '../assessment/assessment.js';
import type { DescriptionText } from '../assessment/description.js';
import { photoRefs } from '../assessment/photo-refs.js';
import { usageOf } from '../assessment/response-body.js';
import { rowsOf } from '../assessment/vision-answer.js';
import { urlsOf } from '../common/missing-photo.js';
import { textRow, type AssessedAnswer } from '../describe/lot-texts.js';
import type { NewResult } from '../jobs/new-result.js';
import type { StoredLot } from '../jobs/revision-store.js';

/**
 * A lot's stored answer as today's code reads it. Which model answered which prompt, and whether it was a real one, stays as it was;
 * what it cost stays with the rows.
 * @returns null where the answer is not there or cannot be read
 */
export function storedAnswer(lot: StoredLot): AssessedAnswer | null {
  const { rows } = rowsOf(lot.raw);
  if (rows === undefined) return null;
  const gone = new Set(urlsOf(lot.missing));
  const photos = photoRefs(lot.images, (url) => !gone.has(url));
  const before = (lot.assessment ?? {}) as Partial<Assessment>;
  const assessment = assess(rows, photos, {
    model: before.model ?? '',
    promptVersion: before.prompt_version ?? '',
    simulated: before.simulated === true,
  });
  return {
    kind: 'assessed',
    assessment,
    raw: null,
    again: null,
    model: assessment.model,
    responseId: null,
    usage: usageOf(null),
  };
}

/**
 * A lot's texts as rows of the next revision. Each keeps the usage and the ids of the calls that were paid for; a language without
 * new text keeps its row of the revision before, unless that was the English text in place of a missing one.
 * @param texts - the English row, and those of the languages that have words
 */
export function nextRows(lot: StoredLot, texts: readonly NewResult[]): NewResult[] {
  const english = texts.find(({ language }) => language === 'en');
  const written = new Map(texts.map((text) => [text.language, text]));
  return lot.rows.flatMap((before) => {
    const { language, model, promptVersion, responseId, usage, fallback } = before;
    const text =
      written.get(language) ??
      (fallback && english !== undefined ? textRow(english.strings as DescriptionText, language, true, '') : null);
    // The model's answer stays with the first revision alone: it is large, and never another.
    return text === null ? [] : [{ ...text, model, promptVersion, responseId, usage }];
  });
}
