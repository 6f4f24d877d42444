import type { Assessment, Finding } from './assessment.js';
import type { SentPhotos } from './checks.js';
import { refs } from './coverage.js';
import { areaOf } from './part-rules.js';
import { PARTS, SEVERITIES, VIEWS } from './taxonomy.js';
import type { Part, PartInfo } from './taxonomy.js';
import type { VisionRows } from './vision-rows.js';

/** More vehicles than this are no lot; the number is the model's own. */
const MOST_VEHICLES = 99;

/** The vehicle as usable photos show it; without one of them nothing is known of its looks. */
export function vehicleOf({ vehicle }: VisionRows, sent: SentPhotos): Assessment['vehicle'] {
  const { kind, body, colour, doors } = vehicle;
  const photos = refs(sent.usable(vehicle.photos));
  const count = Math.min(MOST_VEHICLES, Math.max(kind === 'none' ? 0 : 1, vehicle.count));
  if (photos.length === 0 || kind === 'none') {
    const told = kind === 'none' ? kind : 'other';
    return { kind: told, count, body: 'unknown', colour: 'unknown', doors: 'unknown', photos };
  }
  const hasBody = kind !== 'motorcycle';
  return { kind, count, body: hasBody ? body : 'unknown', colour, doors: hasBody ? doors : 'unknown', photos };
}

/** The interior as photos of it show it; not "light wear" beside a damage that is more. */
export function interiorOf(
  { interior, vehicle }: VisionRows,
  sent: SentPhotos,
  findings: readonly Finding[],
): Assessment['interior'] {
  const photos = refs(
    sent
      .usable(interior.photos)
      .filter(({ view, visible_parts }) => view === 'interior' || visible_parts.some((part) => isInside(part))),
  );
  const worse = findings.some(
    (finding) => areaOf(finding) === 'interior' && SEVERITIES[finding.severity].rank >= SEVERITIES.moderate.rank,
  );
  const unknown = photos.length === 0 || vehicle.kind === 'motorcycle' || (interior.state === 'light_wear' && worse);
  return unknown || interior.state === 'unknown' ? { state: 'unknown', photos: [] } : { state: interior.state, photos };
}

function isInside(part: Part): boolean {
  return (PARTS[part] as PartInfo).area === 'interior';
}

const TREAD: ReadonlySet<Part> = new Set(['tyre', 'wheel', 'spare_wheel']);

/** The tread as photos show it; not "visible" beside a tyre that is worn or flat. */
export function tyresOf({ tyres }: VisionRows, sent: SentPhotos, findings: readonly Finding[]): Assessment['tyres'] {
  const photos = refs(
    sent
      .usable(tyres.photos)
      .filter(
        ({ view, visible_parts }) =>
          visible_parts.some((part) => TREAD.has(part)) || VIEWS[view].areas.some((area) => area.endsWith('_side')),
      ),
  );
  const worse = findings.some(({ type }) => type === 'tyre_wear' || type === 'flat_tyre');
  const unknown = photos.length === 0 || (tyres.state === 'tread_visible' && worse);
  return unknown || tyres.state === 'unknown' ? { state: 'unknown', photos: [] } : { state: tyres.state, photos };
}
