import type { Assessment } from './assessment.js';
import { audit, auditStatements, type Refusal } from './audit/audit.js';
import type { DescriptionText } from './description.js';
import type { KnownGlossary } from './text/glossary-file.js';
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

/** What all texts of a lot will say, or why nothing may be said of it. Judged once, before the first text is written. */
export function publishedStatements(
  assessment: Assessment,
): { readonly statements: readonly Statement[] } | { readonly refused: Refusal } {
  const statements = statementsOf(assessment, assessment);
  const refused = auditStatements(statements, assessment);
  return refused === null ? { statements } : { refused };
}

/** Writes a text and reads it back. One that reads otherwise is written in the plainest form: one item for each damage. */
export function publishedText(statements: readonly Statement[], { glossary }: KnownGlossary): PublishedText {
  let refused: Refusal | null = null;
  for (const form of ['usual', 'plain'] as const) {
    const text = renderText(statements, glossary, form);
    refused = audit(text, statements, glossary);
    if (refused === null) return { text, form };
  }
  return { refused: refused as Refusal };
}
