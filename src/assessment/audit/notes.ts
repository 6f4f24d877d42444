import type { DescriptionBlock, DescriptionText, NoteBlock } from '../description.js';
import type { DamageStatement, Statement } from '../text/statement.js';
import type { Glossary } from '../text/glossary.js';
import { isOf, type AssessedLot } from './facts.js';
import { gather } from './gather.js';
import { capital, writer } from './grammar.js';
import { readerOf } from './reader.js';
import { read } from './run.js';
import { placeWriter } from './words.js';

/** What a note of a text belongs to, and what it says; null where it says nothing in this language. */
export interface NoteOfFinding {
  readonly finding: number;
  readonly damage: DamageStatement;
  readonly note: string | null;
}

/** What is wrong with the notes of a text. */
export type BrokenNote =
  /** There is one that no row has, or a row's is not there. */
  | 'other_notes'
  /** They do not stand together, behind the damages. */
  | 'order'
  /** The words before it do not name its damage and no other, or it does not stand after the label. */
  | 'head'
  /** It is no sentence of letters. */
  | 'words';

/** A text without its notes, which a model wrote and no glossary can read; and the notes. */
export function takeNotesOut({ blocks }: DescriptionText): {
  readonly text: DescriptionText;
  readonly notes: readonly NoteBlock[];
} {
  return { text: { blocks: blocks.filter((block) => !isNote(block)) }, notes: blocks.filter(isNote) };
}

function isNote(block: DescriptionBlock): block is NoteBlock {
  return block.kind === 'note';
}

/** The first thing that is wrong with the notes of a text; null where each stands after what it belongs to and the label. */
export function brokenNote(
  text: DescriptionText,
  wanted: readonly NoteOfFinding[],
  statements: readonly Statement[],
  glossary: Glossary,
): BrokenNote | null {
  const { notes } = takeNotesOut(text);
  const same = notes.every(({ finding, type, note }, at) => {
    const due = wanted[at];
    return due?.finding === finding && due.damage.type === type && due.note === note;
  });
  if (notes.length !== wanted.length || !same) return 'other_notes';
  if (!standTogether(text)) return 'order';
  const damages = statements.filter((one): one is DamageStatement => one.kind === 'damage');
  for (const [at, block] of notes.entries()) {
    const damage = wanted[at]?.damage;
    if (damage === undefined || !namesDamage(block, damage, damages, glossary)) return 'head';
    if (block.note !== null && !isSentence(block.note)) return 'words';
  }
  return null;
}

/** A damage is told in a list; the notes follow the last but at most one list, flags', in one row. */
function standTogether({ blocks }: DescriptionText): boolean {
  const kinds = blocks.map(({ kind }) => kind);
  const first = kinds.indexOf('note');
  if (first < 0) return true;
  const last = kinds.lastIndexOf('note');
  return kinds[first - 1] === 'list' && kinds.slice(first, last + 1).every((kind) => kind === 'note');
}

function namesDamage(
  { before, after }: NoteBlock,
  damage: DamageStatement,
  damages: readonly DamageStatement[],
  glossary: Glossary,
): boolean {
  const { full_stop: stop, locale, sentences } = glossary;
  const write = writer(sentences.note, ['note']);
  // What surrounds the note is found by writing the pattern around a character that no pattern holds.
  const [label = '', rest = ''] = write({ note: '\u0000' }).split('\u0000');
  const end = `${stop} ${capital(label, locale)}`;
  if (after !== `${rest}${stop}` || !before.endsWith(end)) return false;
  const head = before.slice(0, -end.length);
  const alike = damages.filter((other) => shortHead(other, glossary) === shortHead(damage, glossary));
  if (head === shortHead(damage, glossary)) return alike.length === 1 && isSame(alike[0], damage);
  const read = damageIn(head, glossary);
  return read !== null && isSame(read, damage) && damages.filter((other) => isSame(other, damage)).length === 1;
}

/** The place and the damage by themselves: enough where no other is of this kind in this place. */
function shortHead(damage: DamageStatement, glossary: Glossary): string {
  const name = glossary.types[damage.type];
  const type = damage.possible ? writer(glossary.possible, ['type'])({ type: name }) : name;
  const place = placeWriter(glossary)(damage);
  return capital(writer(glossary.item.by_part, ['place', 'damages'])({ place, damages: type }), glossary.locale);
}

/** The damage that an item of a list tells; null where it tells none, or more. */
function damageIn(item: string, glossary: Glossary): DamageStatement | null {
  const outcome = read(readerOf(glossary).items, item);
  const said = outcome.read === 'once' ? gather(outcome.tokens) : null;
  const [only, ...others] = said?.statements ?? [];
  return only?.kind === 'damage' && others.length === 0 ? only : null;
}

/** Equal in all but how many there are and what shows them. */
function isSame(a: DamageStatement | undefined, b: DamageStatement): boolean {
  const members = ['part', 'side', 'end', 'type', 'severity', 'zone', 'extent', 'through', 'possible'] as const;
  return a !== undefined && members.every((member) => a[member] === b[member]);
}

/** Letters, and marks that stand inside a sentence; no digit, no second sentence, nothing that could be markup. */
function isSentence(note: string): boolean {
  return (
    note.length <= 400 && /\p{L}/u.test(note) && !/[\p{N}\p{C}<>&"/\\.!?;。！？；]/u.test(note.replaceAll(JOINERS, ''))
  );
}

const JOINERS = /[\u200C\u200D]/g;

/** Does each note belong to the row that it names, and say what is stored of it? Judged once, of the English ones. */
export function notesAreTrue(
  notes: readonly NoteOfFinding[],
  { findings }: { readonly findings: readonly (AssessedLot['findings'][number] & NotedFinding)[] },
): boolean {
  return notes.every(({ finding: id, damage, note }) => {
    const finding = findings.find((one) => one.id === id);
    return finding !== undefined && isOf(finding, damage) && finding.description === `${note}.`;
  });
}

interface NotedFinding {
  readonly id: number;
  readonly description: string | null;
}
