import type { DescriptionBlock, DescriptionText } from '../description.js';
import type { Glossary } from '../text/glossary.js';
import type { Statement } from '../text/statement.js';
import { automatonOf, type Stop } from './automaton.js';
import { gather, type Said } from './gather.js';
import { PLACES_IN_TEXT } from './grammar.js';
import { read } from './run.js';
import { itemGrammar, paragraphGrammar } from './text-grammar.js';

/** What a glossary's texts are read with. Made once for a glossary, in a few milliseconds. */
export interface Reader {
  readonly glossary: Glossary;
  readonly items: Stop;
  readonly paragraphs: Stop;
}

/** A text that cannot be read back. */
export interface Unreadable {
  readonly unreadable:
    /** A string is none that the glossary can say. */
    | 'string'
    /** A string can be read in two ways. */
    | 'two_ways'
    /** Blocks are not where they belong, or there are two of a kind. */
    | 'order'
    /** More than any text has. */
    | 'too_long';
  /** The string, by its place among all strings of the text, from 0. */
  readonly at: number;
}

/** Far more than sixty rows make; what is longer is not looked at. */
const MOST_CHARACTERS = 100_000;
const MOST_STRINGS = 2_000;

const readers = new WeakMap<Glossary, Reader>();

/** The reader of a glossary; kept as long as the glossary is. */
export function readerOf(glossary: Glossary): Reader {
  const known = readers.get(glossary);
  if (known !== undefined) return known;
  const reader: Reader = {
    glossary,
    items: automatonOf(itemGrammar(glossary)),
    paragraphs: automatonOf(paragraphGrammar(glossary)),
  };
  readers.set(glossary, reader);
  return reader;
}

/** A text as the statements that it makes, every character of it; or why it makes none. */
export function readText({ blocks }: DescriptionText, glossary: Glossary): readonly Statement[] | Unreadable {
  const strings = blocks.flatMap(stringsIn);
  const length = strings.reduce((sum, { string }) => sum + string.length, 0);
  if (length > MOST_CHARACTERS || strings.length > MOST_STRINGS) return { unreadable: 'too_long', at: 0 };
  const reader = readerOf(glossary);
  const statements: Statement[] = [];
  let last = { block: -1, place: -1 };
  for (const [at, { string, block, item }] of strings.entries()) {
    const said = stringSaid(string, item ? reader.items : reader.paragraphs);
    if ('unreadable' in said) return { ...said, at };
    const place = PLACES_IN_TEXT.indexOf(said.place);
    const follows = block === last.block ? place === last.place : place > last.place;
    if (!follows) return { unreadable: 'order', at };
    last = { block, place };
    statements.push(...said.statements);
  }
  // An empty list has no string that could be out of order.
  const empty = blocks.some((block) => block.kind === 'list' && block.items.length === 0);
  return empty ? { unreadable: 'order', at: 0 } : statements;
}

interface StringOfText {
  readonly string: string;
  readonly block: number;
  readonly item: boolean;
}

function stringsIn(block: DescriptionBlock, index: number): readonly StringOfText[] {
  return block.kind === 'paragraph'
    ? [{ string: block.text, block: index, item: false }]
    : block.kind === 'list'
      ? block.items.map((string) => ({ string, block: index, item: true }))
      : [{ string: `${block.before}${block.note ?? ''}${block.after}`, block: index, item: false }];
}

function stringSaid(string: string, start: Stop): Said | Omit<Unreadable, 'at'> {
  const outcome = read(start, string);
  if (outcome.read === 'in_two_ways') return { unreadable: 'two_ways' };
  if (outcome.read === 'never') return { unreadable: 'string' };
  return gather(outcome.tokens) ?? { unreadable: 'string' };
}
