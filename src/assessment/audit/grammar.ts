import type { PhotoIssue } from '../lot-flags.js';
import type { Area } from '../taxonomy.js';
import type { DamageStatement, Statement, VehicleStatement } from '../text/statement.js';

/** Where in a text a string may stand: its blocks come in this order, each at most once. */
export const PLACES_IN_TEXT = [
  'vehicle',
  'not_assessable',
  'flags',
  'damages',
  'found',
  'areas',
  'limits',
  'simulated',
] as const;
export type PlaceInText = (typeof PLACES_IN_TEXT)[number];

/** What a term can say of a statement. */
export type Values = Partial<
  Omit<DamageStatement, 'kind' | 'photos'> &
    Omit<VehicleStatement, 'kind'> & {
      readonly flag: Extract<Statement, { kind: 'flag' }>['flag'];
      readonly interior: Extract<Statement, { kind: 'interior' }>['state'];
      readonly tyres: Extract<Statement, { kind: 'tyres' }>['state'];
      readonly value: number;
      readonly unit: Extract<Statement, { kind: 'odometer' }>['unit'];
    }
>;

export type NumberUse = 'photo' | 'from' | 'to' | 'count' | 'reading';

/** What a stretch of text says, in the order in which it is read. */
export type Token =
  /** Of one statement; `shared`: of every statement in this string. */
  | { readonly says: 'values'; readonly values: Values; readonly shared: boolean }
  | { readonly says: 'number'; readonly use: NumberUse; readonly value: number }
  | { readonly says: 'listed'; readonly code: Area | PhotoIssue }
  /** What was said since the last one is a statement of this kind. */
  | { readonly says: 'statement'; readonly kind: Statement['kind'] }
  | { readonly says: 'place'; readonly place: PlaceInText };

export interface Term {
  readonly text: string;
  readonly token: Token;
}

/** Finds the numbers that begin at a place of a text, written as they should be: `12` is one and its `1` is another. */
export interface NumberForm {
  readonly at: (text: string, from: number) => readonly { readonly end: number; readonly value: number }[];
  /** Every character that it may hold, for the search for texts that can be read in two ways. */
  readonly characters: readonly string[];
}

/** What texts there can be. Written without recursion: whatever a text holds, reading it ends. */
export type Grammar =
  | { readonly form: 'text'; readonly text: string }
  | { readonly form: 'terms'; readonly terms: readonly Term[] }
  | { readonly form: 'number'; readonly number: NumberForm; readonly use: NumberUse }
  | { readonly form: 'says'; readonly token: Token }
  | { readonly form: 'sequence'; readonly parts: readonly Grammar[] }
  | { readonly form: 'choice'; readonly of: readonly Grammar[] }
  /** One or more, with something between. */
  | { readonly form: 'repeated'; readonly item: Grammar; readonly between: string };

export const text = (written: string): Grammar => ({ form: 'text', text: written });
export const terms = (all: readonly Term[]): Grammar => ({ form: 'terms', terms: all });
export const number = (form: NumberForm, use: NumberUse): Grammar => ({ form: 'number', number: form, use });
export const says = (token: Token): Grammar => ({ form: 'says', token });
export const sequence = (...parts: readonly Grammar[]): Grammar => ({ form: 'sequence', parts });
export const choice = (...of: readonly Grammar[]): Grammar => ({ form: 'choice', of });
export const repeated = (item: Grammar, between: string): Grammar => ({ form: 'repeated', item, between });
/** Ends a statement. */
export const statement = (kind: Statement['kind']): Grammar => says({ says: 'statement', kind });

type Filling = Readonly<Record<string, Grammar>>;

/**
 * A glossary's pattern, with a grammar for each of its `{names}`.
 * @throws RangeError when the pattern has a name that nothing is given for, or lacks one
 */
export function pattern(written: string, filling: Filling): Grammar {
  return sequence(...piecesOf(written, Object.keys(filling)).map((piece) => pieceOf(piece, filling)));
}

/** `inner` by itself, or inside a pattern that adds to it, as a pattern with `{text}` and `{photos}` adds photos to a text. */
export function optionally(inner: Grammar, written: string, name: string, filling: Filling): Grammar {
  const pieces = piecesOf(written, [name, ...Object.keys(filling)]);
  const [first, ...rest] = pieces;
  if (first === undefined || !('name' in first) || first.name !== name) {
    return choice(inner, pattern(written, { ...filling, [name]: inner }));
  }
  // What is added stands behind: one way leads through `inner`, and only then there are two.
  return sequence(inner, choice(text(''), sequence(...rest.map((piece) => pieceOf(piece, filling)))));
}

type Piece = { readonly text: string } | { readonly name: string };

function piecesOf(written: string, names: readonly string[]): readonly Piece[] {
  const pieces = written
    .split(/(\{[a-z_]+\})/)
    .filter((piece) => piece !== '')
    .map((piece): Piece => (/^\{[a-z_]+\}$/.test(piece) ? { name: piece.slice(1, -1) } : { text: piece }));
  const found = pieces.flatMap((piece) => ('name' in piece ? [piece.name] : []));
  const wrong = names.toSorted().join() !== found.toSorted().join();
  if (wrong) throw new RangeError(`the pattern "${written}" must hold each of ${names.join(', ')} once, and no other`);
  return pieces;
}

function pieceOf(piece: Piece, filling: Filling): Grammar {
  if ('text' in piece) return text(piece.text);
  const grammar = filling[piece.name];
  if (grammar === undefined) throw new RangeError(`nothing is given for {${piece.name}}`);
  return grammar;
}

/** Puts words in the place of a pattern's `{names}`; taken apart once, because some are filled in a thousand times. */
export function writer<K extends string>(
  words: string,
  names: readonly K[],
): (values: Readonly<Record<K, string>>) => string {
  const pieces = piecesOf(words, names);
  return (values) => pieces.map((piece) => ('text' in piece ? piece.text : values[piece.name as K])).join('');
}

/**
 * The same with a capital at the front, as a locale writes it. Terms are capitalised before anything is read, so that no
 * capital has to be undone: where two terms differ in nothing else, a text with either can be read in two ways.
 */
export function capitalised(grammar: Grammar, locale: string): Grammar {
  switch (grammar.form) {
    case 'text':
      return text(capital(grammar.text, locale));
    case 'terms':
      return terms(grammar.terms.map((term) => ({ ...term, text: capital(term.text, locale) })));
    case 'number':
    case 'says':
      return grammar;
    case 'choice':
      return choice(...grammar.of.map((one) => capitalised(one, locale)));
    case 'repeated': {
      const more = sequence(text(grammar.between), grammar);
      return sequence(capitalised(grammar.item, locale), choice(text(''), more));
    }
    case 'sequence': {
      const front = grammar.parts.findIndex(
        (part) => part.form !== 'says' && !(part.form === 'text' && part.text === ''),
      );
      return sequence(...grammar.parts.map((part, index) => (index === front ? capitalised(part, locale) : part)));
    }
  }
}

export function capital(word: string, locale: string): string {
  const code = word.codePointAt(0);
  if (code === undefined) return word;
  const first = String.fromCodePoint(code);
  return first.toLocaleUpperCase(locale) + word.slice(first.length);
}
