import { fill } from './fill.js';
import type { Glossary } from './glossary.js';
import type { DamageStatement } from './statement.js';

/** What a damage says without its place, its number and its photos. */
export type DamageKind = Pick<DamageStatement, 'type' | 'severity' | 'zone' | 'extent' | 'through' | 'possible'>;

/** `possible dent (3×), severe – lower half, hand-sized`; the count is left out where the place carries it. */
export function damageText(damage: DamageKind, count: DamageStatement['count'], glossary: Glossary): string {
  const { item } = glossary;
  const name = glossary.types[damage.type];
  const type = counted(damage.possible ? fill(glossary.possible, { type: name }) : name, count, glossary);
  const text =
    damage.severity === null ? type : fill(item.damage, { type, severity: glossary.severities[damage.severity] });
  const details = detailsOf(damage, glossary);
  return details.length === 0
    ? text
    : fill(item.details, { damage: text, details: details.join(item.between_details) });
}

function detailsOf({ zone, extent, through }: DamageKind, glossary: Glossary): string[] {
  return [
    ...(zone === null ? [] : [glossary.zones[zone]]),
    ...(extent === null ? [] : [glossary.extents[extent]]),
    ...(through === null ? [] : [glossary.through[through]]),
  ];
}

/** With how many there are; one is not written. No noun is governed by the number, so no language needs its plurals. */
export function counted(text: string, count: DamageStatement['count'], { item, counts }: Glossary): string {
  if (count === 1) return text;
  const written = typeof count === 'number' ? fill(counts.exact, { n: String(count) }) : counts[count];
  return fill(item.count, { text, count: written });
}

/** With the photos that show it: `… (photos 1, 3–5)`. */
export function withPhotos(text: string, photos: readonly number[], glossary: Glossary): string {
  if (photos.length === 0) return text;
  return fill(glossary.item.photos, { text, photos: photosText(photos, glossary) });
}

function photosText(photos: readonly number[], { photos: words }: Glossary): string {
  if (photos.length === 1) return fill(words.one, { n: String(photos[0]) });
  const runs = runsOf(photos).flatMap(([from, to]) =>
    to - from < 2
      ? Array.from({ length: to - from + 1 }, (_, index) => String(from + index))
      : [fill(words.range, { from: String(from), to: String(to) })],
  );
  return fill(words.many, { list: runs.join(words.separator) });
}

/** Ascending numbers as runs: [1, 2, 3, 7] is [[1, 3], [7, 7]]. */
function runsOf(numbers: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}
