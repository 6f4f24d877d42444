import { EXTENTS, THROUGH, ZONES } from '../damage-details.js';
import {
  DAMAGE_TYPES,
  PARTS,
  WITHOUT_DEGREES,
  type DamageType,
  type End,
  type Part,
  type PartInfo,
  type Side,
} from '../taxonomy.js';
import type { Forms, Glossary } from '../text/glossary.js';
import { BODIES, COLOURS, DOOR_COUNTS } from '../vehicle.js';
import { writer, type Term, type Values } from './grammar.js';

/** Whatever a glossary can say in one piece, with what it means: written out, so that reading never has to put words together. */

export interface PlaceOnVehicle {
  readonly part: Part;
  readonly end: End;
  readonly side: Side;
}

/** Every place that a statement can name. */
export function allPlaces(): readonly PlaceOnVehicle[] {
  return keys(PARTS).flatMap((part) => {
    const { sided, end }: PartInfo = PARTS[part];
    const ends: readonly End[] = end === 'either' ? ['n/a', 'front', 'rear'] : [end === 'none' ? 'n/a' : end];
    const sides: readonly Side[] =
      sided === 'none'
        ? ['n/a']
        : sided === 'pair'
          ? ['n/a', 'left', 'right', 'unknown']
          : ['n/a', 'left', 'right', 'center', 'unknown'];
    return ends.flatMap((at) => sides.map((side) => ({ part, end: at, side })));
  });
}

/** Writes places in the glossary's words. A glossary that lists every place whole need hold nothing to compose them of. */
export function placeWriter(glossary: Glossary): (place: PlaceOnVehicle) => string {
  const writers = new Map<string, (values: Readonly<Record<string, string>>) => string>();
  const compose = (name: keyof Glossary['place'], values: Readonly<Record<string, string>>) => {
    const write = writers.get(name) ?? writer(glossary.place[name], keys(values));
    writers.set(name, write);
    return write(values);
  };
  return (place) => {
    const whole = glossary.places[`${place.part}|${place.end}|${place.side}`];
    if (whole !== undefined) return whole;
    const { sided, end: ends }: PartInfo = PARTS[place.part];
    const { name: part, class: nounClass } = glossary.parts[place.part];
    // Where a part is at one end only, its name says which.
    const end = ends !== 'either' || place.end === 'n/a' ? null : formFor(glossary.end[place.end], nounClass);
    if (place.side === 'n/a') return end === null ? compose('part', { part }) : compose('part_end', { part, end });
    if (sided === 'wide' || place.side === 'unknown') {
      const side = glossary.wide[place.side];
      return end === null ? compose('wide_side', { part, side }) : compose('wide_end_side', { part, end, side });
    }
    if (place.side === 'center') throw new RangeError('a part of a pair has no middle');
    const side = formFor(glossary.side[place.side], nounClass);
    return end === null ? compose('part_side', { part, side }) : compose('part_end_side', { part, end, side });
  };
}

function formFor(forms: Forms, nounClass: string | undefined): string {
  const form = typeof forms === 'string' ? forms : forms[nounClass ?? ''];
  if (form === undefined) throw new RangeError(`there is no form for the class "${nounClass ?? ''}"`);
  return form;
}

export function placeTerms(glossary: Glossary, shared: boolean): readonly Term[] {
  const write = placeWriter(glossary);
  return allPlaces().map((place) => term(write(place), place, shared));
}

/** Types as they are, and as possible ones. One without degrees says of itself that it has no severity. */
export function typeTerms(glossary: Glossary, shared: boolean): readonly (Term & { readonly degrees: boolean })[] {
  const possibly = writer(glossary.possible, ['type']);
  return keys(DAMAGE_TYPES).flatMap((type) => {
    const name = glossary.types[type];
    const degrees = hasDegrees(type);
    const said = degrees ? { type } : { type, severity: null };
    return [
      { ...term(name, { ...said, possible: false }, shared), degrees },
      { ...term(possibly({ type: name }), { ...said, possible: true }, shared), degrees },
    ];
  });
}

/** Whether a damage of this type is more or less severe, or only there. */
export function hasDegrees(type: DamageType): boolean {
  return WITHOUT_DEGREES[type] === undefined;
}

/** Zone, extent and what is through, in this order; one of them at least. */
export function detailTerms(glossary: Glossary, shared: boolean): readonly Term[] {
  const zones = [null, ...keys(ZONES).filter((zone) => zone !== 'unknown')];
  const extents = [null, ...keys(EXTENTS).filter((extent) => extent !== 'unknown')];
  const throughs = [null, ...keys(THROUGH).filter((through) => through !== 'none')];
  return zones.flatMap((zone) =>
    extents.flatMap((extent) =>
      throughs.flatMap((through) => {
        const said = [
          ...(zone === null ? [] : [glossary.zones[zone]]),
          ...(extent === null ? [] : [glossary.extents[extent]]),
          ...(through === null ? [] : [glossary.through[through]]),
        ];
        if (said.length === 0) return [];
        return [term(said.join(glossary.item.between_details), { zone, extent, through }, shared)];
      }),
    ),
  );
}

/** Every vehicle that the line at the front can name. */
export function vehicleTerms({ vehicle: words }: Glossary): readonly Term[] {
  const members = ['body', 'colour', 'doors'] as const;
  const lines = new Map(
    keys(words.line).map((name) => {
      const known = members.filter((member) => name.split('_').includes(member));
      return [members.map((member) => known.includes(member)).join(), writer(words.line[name], known)];
    }),
  );
  const bodies: readonly [string | null, Values][] = [
    [null, {}],
    ...keys(words.kinds).map((vehicle): [string, Values] => [words.kinds[vehicle], { vehicle }]),
    ...BODIES.filter((body) => body !== 'unknown').map((body): [string, Values] => [words.bodies[body], { body }]),
  ];
  const colours = [null, ...COLOURS.filter((colour) => colour !== 'unknown')];
  const doors = [null, ...DOOR_COUNTS.filter((count) => count !== 'unknown')];
  return bodies.flatMap(([name, values]) =>
    colours.flatMap((colour) =>
      doors.flatMap((count) => {
        const write = lines.get([name, colour, count].map((known) => known !== null).join());
        if (write === undefined) return [];
        const said = {
          body: name ?? '',
          colour: colour === null ? '' : words.colours[colour],
          doors: count === null ? '' : words.doors[count],
        };
        return [term(write(said), { ...values, colour, doors: count }, false)];
      }),
    ),
  );
}

/** One term for each code of a list. */
export function listTerms<K extends string>(
  list: Readonly<Record<K, string>>,
  valuesOf: (code: K) => Values,
  shared = false,
): readonly Term[] {
  return keys(list).map((code) => term(list[code], valuesOf(code), shared));
}

export function term(text: string, values: Values, shared: boolean): Term {
  return { text, token: { says: 'values', values, shared } };
}

export function keys<K extends string>(list: Readonly<Partial<Record<K, unknown>>>): readonly K[] {
  return Object.keys(list) as K[];
}
