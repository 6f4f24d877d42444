import type { Place } from '../part-rules.js';
import { PARTS, type PartInfo } from '../taxonomy.js';
import { fill } from './fill.js';
import type { Forms, Glossary } from './glossary.js';

/** The key of a whole place in a glossary's `places`. */
export function placeKey({ part, side, end }: Place): string {
  return `${part}|${end}|${side}`;
}

/** A place in the glossary's words, as it stands inside a sentence: `left front door`, `Tür vorn links`. */
export function placeText(place: Place, glossary: Glossary): string {
  const whole = glossary.places[placeKey(place)];
  if (whole !== undefined) return whole;
  const noun = glossary.parts[place.part];
  const end = place.end === 'n/a' || !writesEnd(place) ? '' : formOf(glossary.end[place.end], noun.class);
  const side = sideText(place, glossary, noun.class);
  return fill(patternFor(place, side !== '', end !== '', glossary.place), { part: noun.name, side, end });
}

function sideText({ part, side }: Place, { side: sides, wide }: Glossary, nounClass: string | undefined): string {
  if (side === 'n/a') return '';
  if (isWide(part) || side === 'unknown') return wide[side];
  return side === 'center' ? '' : formOf(sides[side], nounClass);
}

function isWide(part: Place['part']): boolean {
  return (PARTS[part] as PartInfo).sided === 'wide';
}

/** An end is written only where the part is at both: a front bonnet would make readers look for the rear one. */
function writesEnd({ part }: Place): boolean {
  return (PARTS[part] as PartInfo).end === 'either';
}

function patternFor({ part, side: of }: Place, side: boolean, end: boolean, patterns: Glossary['place']): string {
  const apart = isWide(part) || of === 'unknown';
  if (side && end) return apart ? patterns.wide_end_side : patterns.part_end_side;
  if (side) return apart ? patterns.wide_side : patterns.part_side;
  return end ? patterns.part_end : patterns.part;
}

/** The form that agrees with a noun's class; a word of one form agrees with all. */
function formOf(forms: Forms, nounClass: string | undefined): string {
  if (typeof forms === 'string') return forms;
  const form = forms[nounClass ?? ''];
  if (form === undefined) throw new RangeError(`no form for the class ${nounClass ?? 'that the noun lacks'}`);
  return form;
}
