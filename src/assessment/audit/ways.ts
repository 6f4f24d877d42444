import type { Stop, Words } from './automaton.js';
import type { Token } from './grammar.js';

/** Two are enough to tell that there is more than one. */
const MOST_WAYS = 2;

/** What a text says in each way that it can be read, two at most. */
export function waysOf(start: Stop, text: string): readonly (readonly Token[])[] {
  const known = new Map<string, readonly (readonly Token[])[]>();
  return from(start, 0);

  function from(stop: Stop, at: number): readonly (readonly Token[])[] {
    const key = `${stop.id} ${at}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const ways: (readonly Token[])[] = at === text.length ? [...stop.ends] : [];
    for (const step of stop.numbers) {
      for (const { end, value } of step.number.at(text, at)) {
        const said: Token = { says: 'number', use: step.use, value };
        for (const rest of from(step.to, end)) ways.push([...step.says, said, ...rest]);
      }
    }
    for (const { end, steps } of wordsAt(stop.words, text, at)) {
      for (const step of steps) for (const rest of from(step.to, end)) ways.push([...step.says, ...rest]);
    }
    const first = ways.slice(0, MOST_WAYS);
    known.set(key, first);
    return first;
  }
}

function wordsAt(
  root: Words,
  text: string,
  at: number,
): readonly { readonly end: number; readonly steps: Words['steps'] }[] {
  const found: { end: number; steps: Words['steps'] }[] = [];
  let end = at;
  for (
    let words = root.next.get(text.charCodeAt(end));
    words !== undefined;
    words = words.next.get(text.charCodeAt(end))
  ) {
    if (!text.startsWith(words.stretch, end)) break;
    end += words.stretch.length;
    if (words.steps.length > 0) found.push({ end, steps: words.steps });
  }
  return found;
}

/** Letters with which a text can end behind a stop: the fewest words that lead there. */
export function endingOf(from: Stop): string {
  const seen = new Set<Stop>([from]);
  const open: { readonly stop: Stop; readonly text: string }[] = [{ stop: from, text: '' }];
  for (const { stop, text } of open) {
    if (stop.ends.length > 0) return text;
    const go = (letters: string, to: Stop) => {
      if (seen.has(to)) return;
      seen.add(to);
      open.push({ stop: to, text: text + letters });
    };
    for (const step of stop.numbers) go('1', step.to);
    for (const [letters, to] of firstWords(stop.words)) go(letters, to);
  }
  return '';
}

function firstWords(root: Words): readonly (readonly [letters: string, to: Stop])[] {
  return [...root.next.values()].flatMap((next) => [
    ...next.steps.map((step) => [next.stretch, step.to] as const),
    ...firstWords(next).map(([letters, to]) => [next.stretch + letters, to] as const),
  ]);
}
