import { COUNTS, EXTENTS, THROUGH, ZONES } from '../damage-details.js';
import { LOT_FLAGS, PHOTO_ISSUES } from '../lot-flags.js';
import { codesOf } from '../part-rules.js';
import { AREAS, DAMAGE_TYPES, PARTS, SEVERITIES } from '../taxonomy.js';
import { BODIES, COLOURS, DOOR_COUNTS, INTERIOR_STATES, TYRE_STATES, VEHICLE_KINDS } from '../vehicle.js';

/** What an entry of a glossary must look like; derived from the closed lists, so that a new code asks for its word. */
export interface EntryRule {
  /** As messages and second translations name it: `parts.bumper`. */
  readonly name: string;
  /** Where it stands in the file. */
  readonly path: readonly string[];
  /**
   * `term`: stands inside a sentence. `forms`: a term, or one form for each class. `sentence`: whole, without a full stop.
   * `pattern`: words or marks around what is filled in. `mark`: punctuation between others, with its spaces.
   */
  readonly kind: 'term' | 'forms' | 'sentence' | 'pattern' | 'mark';
  readonly placeholders: readonly string[];
  /** Terms of one list must differ. */
  readonly list: string | null;
}

/** One text of a glossary. */
export interface Entry {
  /** The rule's name, and the class where the text is one of several forms: `side.left.f`. */
  readonly name: string;
  readonly text: string;
  readonly rule: EntryRule;
}

const known = (codes: readonly string[], ...left: readonly string[]): readonly string[] =>
  codes.filter((code) => !left.includes(code));

function terms(path: readonly string[], codes: readonly string[], list: string = path.join('.')): EntryRule[] {
  return codes.map((code) => ({
    name: [...path, code].join('.'),
    path: [...path, code],
    kind: 'term',
    placeholders: [],
    list,
  }));
}

function patterns(
  path: readonly string[],
  placeholders: Readonly<Record<string, readonly string[]>>,
  kind: 'pattern' | 'sentence' = 'pattern',
): EntryRule[] {
  return Object.entries(placeholders).map(([code, names]) => ({
    name: [...path, code].join('.'),
    path: [...path, code],
    kind,
    placeholders: names,
    list: kind === 'sentence' ? path.join('.') : null,
  }));
}

function forms(path: readonly string[], codes: readonly string[]): EntryRule[] {
  return terms(path, codes).map((rule) => ({ ...rule, kind: 'forms' }));
}

function marks(...paths: readonly (readonly string[])[]): EntryRule[] {
  return paths.map((path) => ({ name: path.join('.'), path, kind: 'mark', placeholders: [], list: null }));
}

/** Every text that a glossary holds. */
export const ENTRY_RULES: readonly EntryRule[] = [
  ...terms(['parts'], codesOf(PARTS)).map((rule) => ({ ...rule, path: [...rule.path, 'name'] })),
  ...forms(['side'], ['left', 'right']),
  ...terms(['wide'], ['left', 'right', 'center', 'unknown']),
  ...forms(['end'], ['front', 'rear']),
  ...patterns(['place'], {
    part: ['part'],
    part_side: ['part', 'side'],
    part_end: ['part', 'end'],
    part_end_side: ['part', 'end', 'side'],
    wide_side: ['part', 'side'],
    wide_end_side: ['part', 'end', 'side'],
  }),
  ...terms(['types'], codesOf(DAMAGE_TYPES)),
  ...terms(['severities'], codesOf(SEVERITIES)),
  // Zones, extents and what is through stand in one bracket: a word in two of the lists could not be told apart.
  ...terms(['zones'], known(codesOf(ZONES), 'unknown'), 'details'),
  ...terms(['extents'], known(codesOf(EXTENTS), 'unknown'), 'details'),
  ...terms(['through'], known(codesOf(THROUGH), 'none'), 'details'),
  ...terms(['counts'], known(codesOf(COUNTS), 'one')),
  ...patterns(['counts'], { exact: ['n'] }),
  ...patterns([], { possible: ['type'] }),
  ...patterns(['item'], {
    by_part: ['place', 'damages'],
    by_damage: ['damage', 'places'],
    damage: ['type', 'severity'],
    details: ['damage', 'details'],
    count: ['text', 'count'],
    photos: ['text', 'photos'],
  }),
  ...marks(['item', 'between'], ['item', 'between_details']),
  ...patterns(['photos'], { one: ['n'], many: ['list'], range: ['from', 'to'] }),
  ...marks(['photos', 'separator']),
  // `{body}` holds a kind where no body is known, so both are one list.
  ...terms(['vehicle', 'kinds'], known(VEHICLE_KINDS, 'none', 'other'), 'vehicle.bodies'),
  ...terms(['vehicle', 'bodies'], known(BODIES, 'unknown')),
  ...terms(['vehicle', 'colours'], known(COLOURS, 'unknown')),
  ...terms(['vehicle', 'doors'], known(DOOR_COUNTS, 'unknown')),
  ...patterns(['vehicle', 'line'], {
    body: ['body'],
    colour: ['colour'],
    doors: ['doors'],
    body_colour: ['body', 'colour'],
    body_doors: ['body', 'doors'],
    colour_doors: ['colour', 'doors'],
    body_colour_doors: ['body', 'colour', 'doors'],
  }),
  ...patterns(['vehicle'], { km: ['value'], mi: ['value'], odometer: ['value'] }),
  ...marks(['vehicle', 'between']),
  ...terms(['vehicle', 'interior'], known(INTERIOR_STATES, 'unknown')),
  ...terms(['vehicle', 'tyres'], known(TYRE_STATES, 'unknown')),
  ...terms(['flags'], codesOf(LOT_FLAGS)),
  ...terms(['areas'], codesOf(AREAS)),
  ...terms(['issues'], codesOf(PHOTO_ISSUES)),
  ...marks(['list_separator'], ['full_stop']),
  ...patterns(
    ['sentences'],
    {
      nothing_visible: ['areas'],
      nothing_visible_details: [],
      unconfirmed: [],
      partly_visible: ['areas'],
      not_visible: ['areas'],
      not_assessable: ['reasons'],
      not_assessable_unknown: [],
      limits: [],
      simulated: [],
      note: ['note'],
    },
    'sentence',
  ),
];

/** The lists of stems that the check of notes uses. */
export const NOTE_WORDS = ['sides', 'ends', 'negations', 'forbidden'] as const;

/** Members of a glossary that are no entries. */
export const OTHER_MEMBERS: readonly (readonly string[])[] = [
  ['tag'],
  ['direction'],
  ['locale'],
  ['places'],
  ...codesOf(PARTS).map((code) => ['parts', code, 'class']),
  ...NOTE_WORDS.map((list) => ['note_words', list]),
];

/** What stands at a path of a value that may be anything. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isRecord(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
    value,
  );
}

/** Puts a value at a path; what leads there is made. */
export function putAt(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = into;
  for (const name of path.slice(0, -1)) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  at[path.at(-1) ?? ''] = value;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every text of a glossary that is there, whole places too; what is missing or no text is left out. */
export function entriesOf(glossary: unknown): readonly Entry[] {
  const written = ENTRY_RULES.flatMap((rule): Entry[] => {
    const value = valueAt(glossary, rule.path);
    if (typeof value === 'string') return [{ name: rule.name, text: value, rule }];
    if (rule.kind !== 'forms' || !isRecord(value)) return [];
    return textsOf(value).map(([nounClass, text]) => ({ name: `${rule.name}.${nounClass}`, text, rule }));
  });
  const places = valueAt(glossary, ['places']);
  return [
    ...written,
    ...(isRecord(places) ? textsOf(places) : []).map(([key, text]): Entry => {
      const name = `places.${key}`;
      return { name, text, rule: { name, path: ['places', key], kind: 'term', placeholders: [], list: 'places' } };
    }),
  ];
}

function textsOf(record: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] {
  return Object.entries(record).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
}
