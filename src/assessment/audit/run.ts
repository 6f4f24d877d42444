import type { Stop, Step } from './automaton.js';
import type { NumberUse, Token } from './grammar.js';

/** What a string says, or why that cannot be told. */
export type Outcome =
  | { readonly read: 'once'; readonly tokens: readonly Token[] }
  | { readonly read: 'never' }
  | { readonly read: 'in_two_ways' };

/** A stop reached at a place of the text, and one way there. */
interface Arrival {
  readonly stop: Stop;
  readonly from: Arrival | null;
  readonly said: readonly Token[];
  /** How many ways lead here: one, or more. */
  ways: number;
}

/**
 * Reads a whole string. Each stop is reached at most once at each character, so that the work grows with the length of the
 * text, whatever stands in it; all ways are followed, so that a text with two meanings is told from one with a single one.
 */
export function read(start: Stop, text: string): Outcome {
  const arrivals: (Arrival[] | undefined)[] = Array.from({ length: text.length + 1 });
  arrivals[0] = [{ stop: start, from: null, said: [], ways: 1 }];
  for (let at = 0; at < text.length; at++) {
    for (const arrival of arrivals[at] ?? []) {
      let node = arrival.stop.words;
      for (let end = at; ;) {
        const next = node.next.get(text.charCodeAt(end));
        if (next === undefined || !text.startsWith(next.stretch, end)) break;
        end += next.stretch.length;
        node = next;
        for (const step of node.steps) arrive(arrivals, end, arrival, step, step.says);
      }
      for (const step of arrival.stop.numbers) {
        const found = step.number.at(text, at);
        if (found !== null) {
          arrive(arrivals, found.end, arrival, step, [...step.says, numberToken(step.use, found.value)]);
        }
      }
    }
  }
  return outcomeOf(arrivals[text.length] ?? []);
}

function numberToken(use: NumberUse, value: number): Token {
  return { says: 'number', use, value };
}

function arrive(
  arrivals: (Arrival[] | undefined)[],
  at: number,
  from: Arrival,
  { to }: Step,
  said: readonly Token[],
): void {
  const here = (arrivals[at] ??= []);
  const known = here.find(({ stop }) => stop === to);
  if (known === undefined) here.push({ stop: to, from, said, ways: from.ways });
  else known.ways = 2;
}

function outcomeOf(arrivals: readonly Arrival[]): Outcome {
  const ends = arrivals.flatMap((arrival) => arrival.stop.ends.map((said) => ({ arrival, said })));
  const [end] = ends;
  if (end === undefined) return { read: 'never' };
  if (ends.length > 1 || end.arrival.ways > 1) return { read: 'in_two_ways' };
  const parts: (readonly Token[])[] = [end.said];
  for (let arrival: Arrival | null = end.arrival; arrival !== null; arrival = arrival.from) parts.push(arrival.said);
  return { read: 'once', tokens: parts.toReversed().flat() };
}
