import type { Step, Stop } from './automaton.js';
import type { Token } from './grammar.js';
import { Points, type Point } from './points.js';
import { endingOf, waysOf } from './ways.js';

/** A text that can be read in two ways, and what the two say. */
export interface Ambiguity {
  readonly text: string;
  readonly ways: readonly (readonly Token[])[];
}

/** More than these nobody need see at once. */
const MOST = 50;
const PAIRS_A_STEP = 200;
/** Ten times what the largest glossary makes; one that makes more is no glossary. */
const MOST_PAIRS = 250_000;
/** So that a pair of points is one number. */
const MOST_POINTS = 2 ** 26;

/** Two readings of the same letters, and the pair that they come from. */
interface Pair {
  readonly a: Point;
  readonly b: Point;
  readonly before: Pair | null;
  readonly letter: string;
}

/**
 * Finds the texts that can be read in two ways: not by trying texts but by following two readings of one text at once, letter
 * by letter, from wherever they can part to wherever they can meet again. What is not found so does not exist, however long
 * lists and numbers are. It takes a tenth of a second or more, in steps of a few milliseconds, so that others can be
 * served between.
 */
export function* ambiguitiesOf(start: Stop): Generator<undefined, readonly Ambiguity[]> {
  const points = new Points();
  const root = points.before(start);
  const found = new Map<string, Ambiguity>();
  const seen = new Set<number>();
  const open: Pair[] = [];
  const go = (a: Point, b: Point, before: Pair | null, letter: string) => {
    const key = a.id < b.id ? a.id * MOST_POINTS + b.id : b.id * MOST_POINTS + a.id;
    if (seen.has(key)) return;
    if (seen.size === MOST_PAIRS) throw new RangeError('a glossary lets far too much be read in two ways');
    seen.add(key);
    open.push({ a, b, before, letter });
  };
  /** Both readings go on in the same way, or end. */
  const meet = (pair: Pair, ending: string) => {
    const text = lettersOf(pair) + ending;
    const ways = waysOf(start, text);
    // One way only where a number would be written as none is, with a zero at the front.
    if (ways.length > 1) found.set(text, { text, ways });
  };
  go(root, root, null, '');
  for (let next = 0; next < open.length && found.size < MOST; next++) {
    if (next % PAIRS_A_STEP === PAIRS_A_STEP - 1) yield;
    const pair = open[next] as Pair;
    const parted = pair.a !== pair.b;
    for (const [one, a] of choicesAt(pair.a).entries()) {
      for (const [other, b] of choicesAt(pair.b).entries()) {
        const parts = parted || one !== other;
        if (a !== null && b !== null && parts) {
          if (a.to === b.to) {
            meet(pair, endingOf(a.to));
            continue;
          }
          if (a.to.ends.length > 0 && b.to.ends.length > 0) meet(pair, '');
        }
        if (!parts && a !== null && a.to.ends.length > 1) meet(pair, '');
        follow(a === null ? pair.a : points.before(a.to), b === null ? pair.b : points.before(b.to), parts, pair);
      }
    }
  }
  return [...found.values()];

  function follow(a: Point, b: Point, parts: boolean, before: Pair): void {
    for (const [letter, toA] of a.on) {
      for (const [same, toB] of b.on) {
        if (letter !== same) continue;
        const [end] = toA.ends;
        // They meet inside a number: whatever follows it can be read in two ways.
        if (toA === toB && parts) meet({ a: toA, b: toB, before, letter }, end === undefined ? '' : endingOf(end.to));
        else go(toA, toB, before, letter);
      }
    }
  }
}

/** To stay in the word or number, or to let it end here. */
function choicesAt({ ends }: Point): readonly (Step | null)[] {
  return [null, ...ends];
}

function lettersOf(pair: Pair): string {
  const letters: string[] = [];
  for (let at: Pair | null = pair; at !== null; at = at.before) letters.push(at.letter);
  return letters.toReversed().join('');
}
