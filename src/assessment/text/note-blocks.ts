import type { Assessment } from '../assessment.js';
import type { NoteBlock } from '../description.js';
import { damageText } from './damage-text.js';
import { capitalized, fill } from './fill.js';
import type { Glossary } from './glossary.js';
import { placeText } from './place.js';
import type { DamageStatement } from './statement.js';
import { damageStatement, isToldByFlag } from './statements-of.js';

/** A note of a row, and the damage that the text tells of that row. */
export interface FindingNote {
  readonly finding: number;
  readonly damage: DamageStatement;
  /** In the text's language, without the full stop at its end; null where there is none (yet). */
  readonly note: string | null;
}

/** The English notes of an assessment, in the order of its findings. Of an airbag that a flag tells there is no damage to put one to. */
export function notesOf({ findings, flags }: Pick<Assessment, 'findings' | 'flags'>): readonly FindingNote[] {
  return findings.flatMap((finding) => {
    const { id, description } = finding;
    if (description === null || isToldByFlag(finding, flags)) return [];
    return [{ finding: id, damage: damageStatement(finding), note: description.replace(/\.$/, '') }];
  });
}

/**
 * Notes as blocks: the place and the damage, the glossary's label, the note. Where a text has two damages of one type in one
 * place, all that is known of the damage is written, so that nobody takes the note for the other's.
 */
export function noteBlocks(
  notes: readonly FindingNote[],
  damages: readonly DamageStatement[],
  glossary: Glossary,
): readonly NoteBlock[] {
  const { locale, full_stop, sentences } = glossary;
  const [label = '', rest = ''] = sentences.note.split('{note}');
  return notes.map(({ finding, damage, note }) => ({
    kind: 'note',
    finding,
    type: damage.type,
    before: `${capitalized(headOf(damage, damages, glossary), locale)}${full_stop} ${capitalized(label, locale)}`,
    note,
    after: `${rest}${full_stop}`,
  }));
}

function headOf(damage: DamageStatement, damages: readonly DamageStatement[], glossary: Glossary): string {
  const short = shortHead(damage, glossary);
  const alike = damages.filter((other) => shortHead(other, glossary) === short);
  if (alike.length < 2) return short;
  const { item } = glossary;
  return fill(item.by_part, { place: placeText(damage, glossary), damages: damageText(damage, 1, glossary) });
}

/** `left front door: possible dent`. */
function shortHead(damage: DamageStatement, glossary: Glossary): string {
  const type = glossary.types[damage.type];
  return fill(glossary.item.by_part, {
    place: placeText(damage, glossary),
    damages: damage.possible ? fill(glossary.possible, { type }) : type,
  });
}
