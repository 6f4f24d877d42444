import type { DamageType } from './taxonomy.js';

/** A description in one language as strings in a small layout: what is stored and rendered. */
export interface DescriptionText {
  readonly blocks: readonly DescriptionBlock[];
}

export type DescriptionBlock =
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | NoteBlock;

/** A sentence that a model wrote, in an element of its own: the words around it say which damage it belongs to, and that it is a note. */
export interface NoteBlock {
  readonly kind: 'note';
  /** The id of its finding, and what damage that is. */
  readonly finding: number;
  readonly type: DamageType;
  readonly before: string;
  /** null: there is none (yet) in this language, and no element either. */
  readonly note: string | null;
  readonly after: string;
}

/** All strings of a text in reading order but its notes, which are translated apart. */
export function stringsOf(text: DescriptionText): readonly string[] {
  return text.blocks.flatMap((block) =>
    block.kind === 'paragraph' ? [block.text] : block.kind === 'list' ? block.items : [],
  );
}

/**
 * The same layout with other strings and without notes: a translation.
 * @throws RangeError when there are not exactly as many as `stringsOf(text)` gives
 */
export function withStrings(text: DescriptionText, strings: readonly string[]): DescriptionText {
  const wanted = stringsOf(text).length;
  if (strings.length !== wanted) {
    throw new RangeError(`${wanted} strings are needed, ${strings.length} were given`);
  }
  let next = 0;
  const blocks = text.blocks.flatMap((block): DescriptionBlock[] => {
    if (block.kind === 'note') return [];
    const from = next;
    next += block.kind === 'paragraph' ? 1 : block.items.length;
    return block.kind === 'paragraph'
      ? [{ kind: 'paragraph', text: strings[from] ?? '' }]
      : [{ kind: 'list', items: strings.slice(from, next) }];
  });
  return { blocks };
}

/** A note that a text has. */
export interface NoteInText {
  readonly finding: number;
  readonly type: DamageType;
  /** A sentence, with its full stop in English. */
  readonly note: string;
}

/** The notes of an English text, in reading order: what is translated. */
export function notesIn({ blocks }: DescriptionText): readonly NoteInText[] {
  return blocks.flatMap((block) =>
    block.kind === 'note' && block.note !== null
      ? [{ finding: block.finding, type: block.type, note: `${block.note}.` }]
      : [],
  );
}

/** The text with these notes, by the ids of their findings, and no others. */
export function withNotes({ blocks }: DescriptionText, notes: ReadonlyMap<number, string>): DescriptionText {
  return {
    blocks: blocks.map((block) =>
      block.kind === 'note' ? { ...block, note: notes.get(block.finding) ?? null } : block,
    ),
  };
}
