import type { DescriptionText } from '../description.js';
import type { Glossary } from '../text/glossary.js';
import type { Statement } from '../text/statement.js';
import { untrueStatement, type AssessedLot, type UntrueStatement } from './facts.js';
import { brokenNote, takeNotesOut, type BrokenNote, type NoteOfFinding } from './notes.js';
import { readText, type Unreadable } from './reader.js';
import { brokenRule, type BrokenRule } from './rules.js';
import { differenceOf } from './same.js';

/** Why a text is not published. Holds codes only, so that it may stand in logs. */
export type Refusal =
  | { readonly reason: 'unreadable'; readonly why: Unreadable['unreadable']; readonly at: number }
  /** It does not say these statements, or says others. */
  | {
      readonly reason: 'other_statements';
      readonly missing: readonly Statement['kind'][];
      readonly added: readonly Statement['kind'][];
    }
  | { readonly reason: 'rule'; readonly rule: BrokenRule }
  | { readonly reason: 'note'; readonly note: BrokenNote }
  | { readonly reason: 'untrue'; readonly statement: UntrueStatement };

/**
 * Judges a text before it is stored: read back with the glossary it must say exactly these statements, none more, fewer or
 * other, and keep every rule of a text. Notes are taken out before, and judged by themselves: each must belong to a damage.
 */
export function audit(
  text: DescriptionText,
  statements: readonly Statement[],
  glossary: Glossary,
  notes: readonly NoteOfFinding[] = [],
): Refusal | null {
  const found = readText(takeNotesOut(text).text, glossary);
  if ('unreadable' in found) return { reason: 'unreadable', why: found.unreadable, at: found.at };
  const { missing, added } = differenceOf(statements, found);
  if (missing.length > 0 || added.length > 0) {
    return { reason: 'other_statements', missing: missing.map(kindOf), added: added.map(kindOf) };
  }
  const rule = brokenRule(found);
  if (rule !== null) return { reason: 'rule', rule };
  const note = brokenNote(text, notes, found, glossary);
  return note === null ? null : { reason: 'note', note };
}

/** Judges what all texts of a lot will say, before the first is written: it must be what the assessment says. */
export function auditStatements(statements: readonly Statement[], assessment: AssessedLot): Refusal | null {
  const rule = brokenRule(statements);
  if (rule !== null) return { reason: 'rule', rule };
  const statement = untrueStatement(statements, assessment);
  return statement === null ? null : { reason: 'untrue', statement };
}

function kindOf({ kind }: Statement): Statement['kind'] {
  return kind;
}
