import type { Grammar, NumberForm, NumberUse, Token } from './grammar.js';

/** One step of reading: what it says before and with the words that it takes, and where it leads. */
export interface Step {
  readonly says: readonly Token[];
  readonly to: Stop;
}

export interface NumberStep extends Step {
  readonly number: NumberForm;
  readonly use: NumberUse;
}

/** The words that can follow, gathered by what they begin with, so that a text is compared once and not with each. */
export interface Words {
  /** The stretch that leads here from the words before. */
  readonly stretch: string;
  /** Words that are complete here. */
  readonly steps: Step[];
  readonly next: Map<number, Words>;
}

/** A point between two words. */
export interface Stop {
  readonly id: number;
  readonly words: Words;
  readonly numbers: NumberStep[];
  /** A text may end here, saying this; more than one: it can be read in two ways. */
  readonly ends: (readonly Token[])[];
}

interface Draft {
  readonly silent: { readonly to: Draft; readonly token?: Token }[];
  readonly words: { readonly text: string; readonly token?: Token; readonly to: Draft }[];
  readonly numbers: { readonly number: NumberForm; readonly use: NumberUse; readonly to: Draft }[];
}

/** Makes the automaton of a grammar: where it starts. */
export function automatonOf(grammar: Grammar): Stop {
  const start = draft();
  const end = build(grammar, start);
  const stops = new Map<Draft, Stop>();
  const first = stopFor(start, stops);
  for (const [from, stop] of stops) complete(stop, from, end, stops);
  return first;
}

function draft(): Draft {
  return { silent: [], words: [], numbers: [] };
}

function build(grammar: Grammar, from: Draft): Draft {
  const to = draft();
  switch (grammar.form) {
    case 'text':
      if (grammar.text === '') return from;
      from.words.push({ text: grammar.text, to });
      return to;
    case 'terms':
      // An empty term would be read everywhere; the check of glossaries names it.
      for (const { text, token } of grammar.terms) if (text !== '') from.words.push({ text, token, to });
      return to;
    case 'number':
      from.numbers.push({ number: grammar.number, use: grammar.use, to });
      return to;
    case 'says':
      from.silent.push({ to, token: grammar.token });
      return to;
    case 'sequence':
      return grammar.parts.reduce((at, part) => build(part, at), from);
    case 'choice':
      for (const one of grammar.of) build(one, silently(from)).silent.push({ to });
      return to;
    case 'repeated': {
      const again = silently(from);
      const behind = build(grammar.item, again);
      behind.silent.push({ to });
      build({ form: 'text', text: grammar.between }, silently(behind)).silent.push({ to: again });
      return to;
    }
  }
}

function silently(from: Draft): Draft {
  const to = draft();
  from.silent.push({ to });
  return to;
}

function stopFor(from: Draft, stops: Map<Draft, Stop>): Stop {
  const known = stops.get(from);
  if (known !== undefined) return known;
  const stop: Stop = { id: stops.size, words: words(''), numbers: [], ends: [] };
  stops.set(from, stop);
  return stop;
}

function words(stretch: string): Words {
  return { stretch, steps: [], next: new Map() };
}

/** Gathers whatever can be reached from a draft without reading anything. */
function complete(stop: Stop, from: Draft, end: Draft, stops: Map<Draft, Stop>): void {
  const open: { readonly at: Draft; readonly said: readonly Token[]; readonly way: readonly Draft[] }[] = [
    { at: from, said: [], way: [from] },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at, said, way } = next;
    if (at === end) stop.ends.push(said);
    for (const { text, token, to } of at.words) {
      insert(stop.words, text, { says: token === undefined ? said : [...said, token], to: stopFor(to, stops) });
    }
    for (const { number, use, to } of at.numbers)
      stop.numbers.push({ number, use, says: said, to: stopFor(to, stops) });
    for (const { token, to } of at.silent) {
      if (way.includes(to)) throw new RangeError('a grammar repeats what reads nothing');
      open.push({ at: to, said: token === undefined ? said : [...said, token], way: [...way, to] });
    }
  }
}

function insert(root: Words, text: string, step: Step): void {
  let at = root;
  let rest = text;
  while (rest !== '') {
    const next = at.next.get(rest.charCodeAt(0));
    if (next === undefined) {
      const leaf = words(rest);
      at.next.set(rest.charCodeAt(0), leaf);
      at = leaf;
      break;
    }
    const common = commonLength(next.stretch, rest);
    if (common < next.stretch.length) {
      const fork = words(rest.slice(0, common));
      const tail: Words = { ...next, stretch: next.stretch.slice(common) };
      fork.next.set(tail.stretch.charCodeAt(0), tail);
      at.next.set(rest.charCodeAt(0), fork);
      at = fork;
    } else {
      at = next;
    }
    rest = rest.slice(common);
  }
  at.steps.push(step);
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
