import type { AreaCoverage, AreaStatus, AssessedPhoto, Finding, PhotoRef } from './assessment.js';
import { PHOTO_ISSUES } from './lot-flags.js';
import { areaOf, codesOf } from './part-rules.js';
import { AREAS, PARTS, VIEWS } from './taxonomy.js';
import type { Area, Part, PartInfo } from './taxonomy.js';
import type { VehicleKind } from './vehicle.js';

/** The areas that such a vehicle has: a motorcycle has no interior that photos could leave out. */
function areasOf(kind: VehicleKind): readonly Area[] {
  return kind === 'motorcycle' ? ['front', 'rear', 'left_side', 'right_side'] : codesOf(AREAS);
}

/**
 * What the photos show of each area. An area counts as shown only when a usable photo without a limiting issue was
 * taken of it; a roof at the edge of a side view, or an area that only poor photos show, is uncertain; the model's own
 * word that an area is not visible turns a clean one into uncertain. So "no visible damage" is never said of what no
 * photo shows.
 */
export function coverageOf(
  kind: VehicleKind,
  photos: readonly AssessedPhoto[],
  findings: readonly Finding[],
  saidNotVisible: readonly Area[],
): readonly AreaCoverage[] {
  const areas = areasOf(kind);
  return codesOf(AREAS).flatMap((area) => {
    const damage = findings.filter((finding) => isIn(finding, area, photos));
    if (!areas.includes(area) && damage.length === 0) return [];
    const views = photos.filter((photo) => photo.usable && VIEWS[photo.view].areas.some((shown) => shown === area));
    const glimpses = photos.filter((photo) => photo.usable && !views.includes(photo) && showsPartOf(photo, area));
    const good = views.filter(isGood);
    const denied = saidNotVisible.includes(area);
    return {
      area,
      status: statusOf(damage.length > 0, good.length > 0, views.length > 0, glimpses.length > 0, denied),
      photos: refs([...views, ...glimpses, ...damage.flatMap((finding) => finding.photos)]),
    };
  });
}

/**
 * Is this damage in this area? Where its side or end is not known it may be in any area that its photos show: of none of them it can be
 * said that no damage is visible.
 */
function isIn(finding: Finding, area: Area, photos: readonly AssessedPhoto[]): boolean {
  const known = areaOf(finding);
  if (known !== null) return known === area;
  const { area: kind }: PartInfo = PARTS[finding.part];
  const possible: readonly Area[] =
    kind === 'by_side' ? ['left_side', 'right_side'] : kind === 'by_end' ? ['front', 'rear'] : [];
  return (
    possible.includes(area) &&
    photos.some(
      ({ number, view }) =>
        finding.photos.some((photo) => photo.number === number) && VIEWS[view].areas.some((shown) => shown === area),
    )
  );
}

/** Nothing about the photo itself limits what can be told from it. */
export function isGood(photo: AssessedPhoto): boolean {
  return photo.usable && !photo.issues.some((issue) => PHOTO_ISSUES[issue].effect === 'limits');
}

function statusOf(damaged: boolean, good: boolean, viewed: boolean, glimpsed: boolean, denied: boolean): AreaStatus {
  if (damaged) {
    return 'damaged';
  }
  if (good && !denied) {
    return 'no_visible_damage';
  }
  return viewed || (glimpsed && !denied) ? 'uncertain' : 'not_visible';
}

/** Parts that are seen from places where nothing else of their area is. */
const SEEN_FROM_ELSEWHERE: ReadonlySet<Part> = new Set(['suspension', 'radiator']);

/** Does a photo of something else show a part of this area? Only parts that lie in one area can tell. */
function showsPartOf(photo: AssessedPhoto, area: Area): boolean {
  return photo.visible_parts.some((part) => (PARTS[part] as PartInfo).area === area && !SEEN_FROM_ELSEWHERE.has(part));
}

/** Each photo once, by number. */
export function refs(photos: readonly PhotoRef[]): readonly PhotoRef[] {
  const byNumber = new Map(photos.map(({ number, url }) => [number, { number, url }]));
  return [...byNumber.values()].toSorted((a, b) => a.number - b.number);
}

/** The share of areas that are shown, 0 to 1, two decimals. */
export function coverageScore(areas: readonly AreaCoverage[]): number {
  const points = areas.reduce((sum, { status }) => sum + POINTS[status], 0);
  return areas.length === 0 ? 0 : Math.round((100 * points) / areas.length) / 100;
}

const POINTS: Readonly<Record<AreaStatus, number>> = {
  damaged: 1,
  no_visible_damage: 1,
  uncertain: 0.5,
  not_visible: 0,
};

/** The areas of these statuses, in the taxonomy's order. */
export function areasWith(areas: readonly AreaCoverage[], ...statuses: readonly AreaStatus[]): readonly Area[] {
  return areas.filter(({ status }) => statuses.includes(status)).map(({ area }) => area);
}
