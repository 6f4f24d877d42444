import { assess } from '../assessment/assess.js';
import type { Assessment } from '../assessment/assessment.js';
import { notesIn, type DescriptionText, type NoteInText } from '../assessment/description.js';
import type { Recogniser } from '../assessment/notes/recogniser.js';
import { photosLeft } from '../assessment/photo-refs.js';
import { usageOf } from '../assessment/response-body.js';
import { rowsOf } from '../assessment/vision-answer.js';
import { textRow, type AssessedAnswer } from '../describe/lot-texts.js';
import type { TranslatedNotes } from '../describe/noted-rows.js';
import type { NewResult } from '../jobs/new-result.js';
import type { StoredLot } from '../jobs/revision-store.js';

/**
 * A lot's stored answer as today's code reads it. Which model answered which prompt, and whether it was a real one, stays as it was;
 * what it cost stays with the rows.
 * @param recogniser - where the job has notes; without it there are none
 * @returns null where the answer is not there or cannot be read
 */
export function storedAnswer(lot: StoredLot, recogniser: Recogniser | null): AssessedAnswer | null {
  const { rows } = rowsOf(lot.raw);
  if (rows === undefined) return null;
  const before = (lot.assessment ?? {}) as Partial<Assessment>;
  const origin = {
    model: before.model ?? '',
    promptVersion: before.prompt_version ?? '',
    simulated: before.simulated === true,
  };
  const assessment = assess(rows, photosLeft(lot.images, lot.missing), origin, recogniser);
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
 * What was made of the lot's notes in other languages, by language. One that says something else by now, or is not published any
 * longer, has no translation: no model is asked.
 * @param notes - those of the new English text
 */
export function keptTranslations(lot: StoredLot, notes: readonly NoteInText[]): ReadonlyMap<string, TranslatedNotes> {
  const source = lot.rows.find(({ language }) => language === 'en');
  const before = source === undefined ? [] : notesIn(textOf(source.strings));
  const same = notes.map(({ note, type }) => before.find((other) => other.note === note && other.type === type));
  return new Map(
    lot.rows.map(({ language, strings, model, promptVersion, responseId, usage }) => {
      const said = new Map(notesIn(textOf(strings)).map(({ finding, note }) => [finding, note]));
      const kept = same.map((one) => (one === undefined ? '' : (said.get(one.finding) ?? '')));
      return [language, { strings: kept, model, promptVersion, responseId, usage }];
    }),
  );
}

/** A stored text; one that an earlier version stored in another form has no notes. */
function textOf(strings: unknown): DescriptionText {
  const { blocks } = (strings ?? {}) as Partial<DescriptionText>;
  return { blocks: Array.isArray(blocks) ? (blocks as DescriptionText['blocks']) : [] };
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
