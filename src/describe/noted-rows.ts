import { withNotes, type DescriptionText, type NoteInText } from '../assessment/description.js';
import { renderHtml } from '../assessment/html.js';
import type { Recogniser } from '../assessment/notes/recogniser.js';
import { checkTranslatedNotes } from '../assessment/notes/translated-note.js';
import type { Words } from '../assessment/published-text.js';
import type { NewResult } from '../jobs/new-result.js';
import { countNotes } from './text-metrics.js';

/** The notes of a lot in one language as the model wrote them, and what call they came from. */
export interface TranslatedNotes extends Pick<NewResult, 'model' | 'promptVersion' | 'responseId' | 'usage'> {
  /** As many as the lot has. */
  readonly strings: readonly string[];
}

/**
 * Puts the notes that pass into the rows that were written without them. A note that does not pass is left out in that language, and
 * the text stands.
 * @param rows - with a place for each note, see `untranslated`; those that carry English in place of their language stay as they are
 * @param translated - by language; one that is not there has no notes
 * @param words - of the lot's job
 */
export function notedRows(
  rows: readonly NewResult[],
  notes: readonly NoteInText[],
  translated: ReadonlyMap<string, TranslatedNotes>,
  words: Words,
  recogniser: Recogniser,
): NewResult[] {
  return rows.map((row) => {
    const said = translated.get(row.language);
    const glossary = words.for(row.language)?.glossary;
    if (said === undefined || glossary === undefined || row.fallback) return row;
    const { strings, ...origin } = said;
    const judged = checkTranslatedNotes(notes, strings, glossary, recogniser);
    const taken = notes.flatMap(({ finding }, index): [number, string][] => {
      const one = judged[index];
      return one !== undefined && 'note' in one ? [[finding, one.note]] : [];
    });
    countNotes(glossary.tag, judged);
    const text = withNotes(row.strings as DescriptionText, new Map(taken));
    return { ...row, html: renderHtml(text), strings: text, ...origin };
  });
}
