import type { Stop, Step } from './automaton.js';
import type { Token } from './grammar.js';

/** What a string says, or why that cannot be told. */
export type Outcome =
  | { readonly read: 'once'; readonly tokens: readonly Token[] }
  | { readonly read: 'never' }
  | { readonly read: 'in_two_ways' };

/** A stop reached at a place of the text, and one way there. */
interface Arrival {
  readonly at: number;
  readonly stop: Stop;
  readonly from: Arrival | null;
  readonly step: Step | null;
  /** The number that was read on the way. */
  readonly number: Token | null;
  /** How many ways lead here: one, or more. */
  ways: 1 | 2;
}

/**
 * Reads a whole string. Each stop is reached at most once at each letter, so that the work grows with the length of the
 * text, whatever stands in it; all ways are followed, so that a text with two meanings is told from one with a single one.
 */
export function read(start: Stop, text: string): Outcome {
  /** By their place in the text: what is read next stands first. */
  const arrivals: Arrival[] = [{ at: 0, stop: start, from: null, step: null, number: null, ways: 1 }];
  let next = 0;
  for (let arrival = arrivals[0]; arrival !== undefined && arrival.at < text.length; arrival = arrivals[++next]) {
    const { at, stop } = arrival;
    let words = stop.words.next.get(text.charCodeAt(at));
    for (let end = at; words !== undefined && text.startsWith(words.stretch, end);) {
      end += words.stretch.length;
      for (const step of words.steps) arrive(arrivals, end, arrival, step, null);
      words = words.next.get(text.charCodeAt(end));
    }
    for (const step of stop.numbers) {
      for (const { end, value } of step.number.at(text, at)) {
        arrive(arrivals, end, arrival, step, { says: 'number', use: step.use, value });
      }
    }
  }
  return outcomeOf(arrivals.slice(next));
}

function arrive(arrivals: Arrival[], at: number, from: Arrival, step: Step, number: Token | null): void {
  let index = arrivals.length;
  for (let known = arrivals[index - 1]; known !== undefined && known.at >= at; known = arrivals[--index - 1]) {
    if (known.at === at && known.stop === step.to) {
      known.ways = 2;
      return;
    }
  }
  arrivals.splice(index, 0, { at, stop: step.to, from, step, number, ways: from.ways });
}

function outcomeOf(last: readonly Arrival[]): Outcome {
  const ends = last.flatMap((arrival) => arrival.stop.ends.map((said) => ({ arrival, said })));
  const [end] = ends;
  if (end === undefined) return { read: 'never' };
  if (ends.length > 1 || end.arrival.ways > 1) return { read: 'in_two_ways' };
  const way: Arrival[] = [];
  for (let arrival: Arrival | null = end.arrival; arrival !== null; arrival = arrival.from) way.push(arrival);
  const tokens: Token[] = [];
  for (const { step, number } of way.toReversed()) {
    if (step !== null) tokens.push(...step.says);
    if (number !== null) tokens.push(number);
  }
  tokens.push(...end.said);
  return { read: 'once', tokens };
}
