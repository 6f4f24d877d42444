import type { PhotoRef } from './assessment.js';
import type { VisionRows } from './vision-rows.js';

/** Rows of each list. A burnt-out car in 100 photos brings some sixty findings; 500 are a loop, not a car. */
const MOST_ROWS = { findings: 500, readings: 500, ignored: 2_000, photos: 4_000, not_visible: 500 };
/** Photo numbers, parts and issues in all rows together: for each photo of the lot, and besides. */
const MOST_MARKS = { each: 500, besides: 100_000 };
/** Characters of the addresses that the description's rows would repeat: each citation of a photo is stored with its. */
const MOST_CITED_CHARACTERS = 8 * 1024 * 1024;

/**
 * What an answer has too much of, as `path: problem`; null when it is of a size that can be checked, merged and stored
 * at once. The schema bounds no list: not every endpoint enforces `maxItems`, and none enforces it on a proxy.
 */
export function excessOf(rows: VisionRows, photos: readonly PhotoRef[]): string | null {
  for (const [name, most] of Object.entries(MOST_ROWS)) {
    if (rows[name as keyof typeof MOST_ROWS].length > most) return `$.${name}: more than ${most} rows`;
  }
  const cited = [...rows.findings, ...Object.values(rows.flags), rows.vehicle, rows.interior, rows.tyres];
  let marks = 0;
  for (const photo of rows.photos) marks += photo.visible_parts.length + photo.issues.length;
  for (const { photos: numbers } of cited) marks += numbers.length;
  if (marks > MOST_MARKS.besides + MOST_MARKS.each * photos.length)
    return '$: names more parts and photos than there are';
  let characters = 0;
  const cites = (number: number) => (characters += photos[number - 1]?.url.length ?? 0);
  for (const { photos: numbers } of cited) new Set(numbers).forEach(cites);
  for (const { photo } of rows.ignored) cites(photo);
  return characters > MOST_CITED_CHARACTERS ? '$: cites more photos than can be stored' : null;
}
