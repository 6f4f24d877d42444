import type { Glossary } from '../text/glossary.js';
import { ambiguitiesOf } from './ambiguity.js';
import type { Term, Token } from './grammar.js';
import { readerOf } from './reader.js';
import { detailTerms, keys, placeTerms, typeTerms, vehicleTerms } from './words.js';

/** What a glossary lets be decoded differently. */
export interface Collision {
  readonly kind:
    /** Two terms of one list are one word. */
    | 'same'
    /** Two terms of one list differ in capitals, spaces or marks only. */
    | 'alike'
    /** A term holds what separates terms. */
    | 'separator'
    /** A term says nothing. */
    | 'empty'
    /** A whole string can be read in two ways; the auditor refuses it. */
    | 'two_ways';
  /** The list, or for `two_ways` where in a text. */
  readonly list: string;
  readonly text: string;
  /** What it can mean. */
  readonly means: readonly string[];
}

type List = readonly (readonly [code: string, text: string])[];

/** Everything in a glossary that could be decoded differently; a shipped one has nothing of it that is not accepted by name. */
export function collisionsOf(glossary: Glossary): readonly Collision[] {
  const steps = collisionsInSteps(glossary);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** What a collision is, in a sentence that names entries and quotes no word. */
export function collisionProblem({ kind, list, means }: Collision): string {
  switch (kind) {
    case 'same':
    case 'alike':
      return `${list}: ${means.join(' and ')} are written alike`;
    case 'separator':
      return `${list}.${means.join()}: holds the mark that stands between terms of its list`;
    case 'empty':
      return `${list}.${means.join()}: says nothing`;
    case 'two_ways':
      return `a text can be read in two ways: ${means.join(', or ')}`;
  }
}

/**
 * What lets a text of a glossary be misread, in steps of a few milliseconds, for a process that serves others meanwhile. Words that
 * differ in capitals, spaces or marks only are let through: they are read as what they are, and only a person could mistake them.
 */
export function* misreadingsInSteps(glossary: Glossary): Generator<undefined, readonly string[]> {
  const found = yield* collisionsInSteps(glossary);
  return found.filter(({ kind }) => kind !== 'alike').map(collisionProblem);
}

function* collisionsInSteps(glossary: Glossary): Generator<undefined, readonly Collision[]> {
  const lists = listsOf(glossary);
  const { items, paragraphs } = readerOf(glossary);
  yield;
  const named = Object.entries(lists).flatMap(([name, list]) => [...emptyOf(name, list), ...equalOf(name, list)]);
  yield;
  return [
    ...named,
    ...separatorsIn(lists, glossary),
    ...(yield* ambiguitiesOf(items)).map(({ text, ways }) => twoWays('items', text, ways)),
    ...(yield* ambiguitiesOf(paragraphs)).map(({ text, ways }) => twoWays('paragraphs', text, ways)),
  ];
}

function twoWays(list: string, text: string, ways: readonly (readonly Token[])[]): Collision {
  return { kind: 'two_ways', list, text, means: ways.map((tokens) => tokens.map(wordsFor).filter(Boolean).join(' ')) };
}

function wordsFor(token: Token): string {
  switch (token.says) {
    case 'values':
      return Object.entries(token.values)
        .filter(([, value]) => value !== null && value !== false)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(' ');
    case 'number':
      return `${token.use}=${token.value}`;
    case 'listed':
      return token.code;
    case 'statement':
      return `(${token.kind})`;
    case 'place':
      return '';
  }
}

/** The lists in each of which a word must mean one thing. */
function listsOf(glossary: Glossary): Readonly<Record<string, List>> {
  const { parts, side, wide, end, vehicle, counts } = glossary;
  const own = (list: Readonly<Record<string, string>>): List => keys(list).map((code) => [code, list[code] ?? '']);
  const classes = (forms: Glossary['side']['left']) => (typeof forms === 'string' ? { '': forms } : forms);
  const forms = (list: Readonly<Record<string, Glossary['side']['left']>>): List =>
    keys(list).flatMap((code) =>
      [...new Set(Object.values(classes(list[code] ?? '')))].map((text) => [code, text] as const),
    );
  return {
    parts: keys(parts).map((part) => [part, parts[part].name]),
    side: forms(side),
    wide: own(wide),
    end: forms(end),
    places: fromTerms(placeTerms(glossary, false)),
    types: fromTerms(typeTerms(glossary, false)),
    severities: own(glossary.severities),
    zones: own(glossary.zones),
    extents: own(glossary.extents),
    through: own(glossary.through),
    details: fromTerms(detailTerms(glossary, false)),
    counts: own(counts),
    bodies: [...own(vehicle.kinds), ...own(vehicle.bodies)],
    colours: own(vehicle.colours),
    doors: own(vehicle.doors),
    vehicles: fromTerms(vehicleTerms(glossary)),
    interior: own(vehicle.interior),
    tyres: own(vehicle.tyres),
    flags: own(glossary.flags),
    areas: own(glossary.areas),
    issues: own(glossary.issues),
    sentences: own(glossary.sentences),
  };
}

function fromTerms(terms: readonly Term[]): List {
  return terms.map(({ text, token }) => [wordsFor(token), text]);
}

function emptyOf(list: string, terms: List): readonly Collision[] {
  return terms
    .filter(([, text]) => text.trim() === '')
    .map(([code, text]) => ({ kind: 'empty', list, text, means: [code] }));
}

function equalOf(list: string, terms: List): readonly Collision[] {
  const groups = new Map<string, (readonly [code: string, text: string])[]>();
  for (const term of terms) {
    const key = plain(term[1]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [term]);
    else group.push(term);
  }
  return [...groups.values()].flatMap((group): readonly Collision[] => {
    const codes = [...new Set(group.map(([code]) => code))];
    const texts = [...new Set(group.map(([, text]) => text))];
    if (codes.length < 2) return [];
    return [{ kind: texts.length === 1 ? 'same' : 'alike', list, text: texts.join(' / '), means: codes }];
  });
}

/** Without what a hasty reader does not see. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll(/[\s\p{P}\p{Cf}]/gu, '');
}

/** Where a term holds the separator of its own list, a person cannot see where it ends, even if the auditor can. */
function separatorsIn(lists: Readonly<Record<string, List>>, { item, list_separator, vehicle }: Glossary): Collision[] {
  const of = (separator: string, names: readonly string[]) =>
    names.flatMap((name) =>
      (lists[name] ?? [])
        .filter(([, text]) => separator.trim() !== '' && text.includes(separator.trim()))
        .map(([code, text]): Collision => ({ kind: 'separator', list: name, text, means: [code] })),
    );
  return [
    ...of(item.between, ['places', 'types', 'severities', 'zones', 'extents', 'through']),
    ...of(item.between_details, ['zones', 'extents', 'through']),
    ...of(list_separator, ['areas', 'issues']),
    ...of(vehicle.between, ['vehicles', 'interior', 'tyres']),
  ];
}
