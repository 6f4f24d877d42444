import type { Assessment } from './assessment.js';
import { audit, auditStatements, type Refusal } from './audit/audit.js';
import { notesAreTrue } from './audit/notes.js';
import type { DescriptionText } from './description.js';
import type { KnownGlossary } from './text/glossary-file.js';
import { notesOf, type FindingNote } from './text/note-blocks.js';
import { renderText } from './text/render.js';
import type { Statement } from './text/statement.js';
import { statementsOf } from './text/statements-of.js';

/** The glossaries that a job's texts are written with. */
export interface Words {
  /** @returns null where there is none (yet) for this language, a tag as the client sent it */
  for(tag: string): KnownGlossary | null;
  readonly english: KnownGlossary;
}

/** A text that says exactly its statements, or why there is none. */
export type PublishedText =
  { readonly text: DescriptionText; readonly form: 'usual' | 'plain' } | { readonly refused: Refusal };

/** What all texts of a lot say, and the English notes on it, which other languages get translated. */
export interface ToPublish {
  readonly statements: readonly Statement[];
  readonly notes: readonly FindingNote[];
}

/** What all texts of a lot will say, or why nothing may be said of it. Judged once, before the first text is written. */
export function publishedStatements(assessment: Assessment): ToPublish | { readonly refused: Refusal } {
  const statements = statementsOf(assessment, assessment);
  const refused = auditStatements(statements, assessment);
  if (refused !== null) return { refused };
  const notes = notesOf(assessment);
  return { statements, notes: notesAreTrue(notes, assessment) ? notes : [] };
}

/**
 * Writes a text and reads it back. One that reads otherwise is written in the plainest form: one item for each damage. Notes that do
 * not stand right cost the text nothing else: it is written without them.
 * @param notes - in the text's language; a note that is null gets its place and is put there once it is translated
 */
export function publishedText(
  statements: readonly Statement[],
  { glossary }: Pick<KnownGlossary, 'glossary'>,
  notes: readonly FindingNote[] = [],
): PublishedText {
  let refused: Refusal | null = null;
  for (const form of ['usual', 'plain'] as const) {
    const text = renderText(statements, glossary, form, notes);
    refused = audit(text, statements, glossary, notes);
    if (refused === null) return { text, form };
    if (refused.reason === 'note') break;
  }
  if (notes.length > 0) return publishedText(statements, { glossary });
  return { refused: refused as Refusal };
}

/** The notes as a language gets them before they are translated. */
export function untranslated(notes: readonly FindingNote[]): readonly FindingNote[] {
  return notes.map((one) => ({ ...one, note: null }));
}
