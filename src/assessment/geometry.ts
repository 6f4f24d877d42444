import type { AssessedPhoto, ReviewReason } from './assessment.js';
import { endContradictsPart } from './part-rules.js';
import { PARTS, VIEWS } from './taxonomy.js';
import type { Area, End, Part, PartInfo, PicturePosition, Side, View } from './taxonomy.js';
import type { FindingRow } from './vision-rows.js';

/**
 * What a row's own words on where it was seen exclude. Left and right are what models get wrong most (up to two rows a lot in
 * published runs); none of this corrects a row, it only asks for a look at it.
 * @param first - the first photo that it cites, if that was sent
 */
export function contradictionsOf(row: FindingRow, first: AssessedPhoto | undefined): ReviewReason[] {
  const reasons: ReviewReason[] = [];
  if (endContradictsPart(row)) reasons.push('end_contradicts_part');
  if (first !== undefined && first.view !== row.viewpoint) reasons.push('viewpoint_contradicts_photo');
  if (sideIsExcluded(row, first) || endIsExcluded(row, first)) reasons.push('side_contradicts_view');
  return reasons;
}

/** Parts that stick out far enough to be seen from the other side. */
const SEEN_ACROSS: ReadonlySet<Part> = new Set(['fender', 'mirror', 'pillar']);

/** Of each three-quarter view: the flank that is near, and where in the picture it is. */
const THREE_QUARTERS: Readonly<Partial<Record<View, { readonly near: Side; readonly at: PicturePosition }>>> = {
  front_left: { near: 'left', at: 'right' },
  front_right: { near: 'right', at: 'left' },
  rear_left: { near: 'left', at: 'left' },
  rear_right: { near: 'right', at: 'right' },
};

function sideIsExcluded(row: FindingRow, first: AssessedPhoto | undefined): boolean {
  const { part, side, viewpoint, in_picture } = row;
  const { sided, area }: PartInfo = PARTS[part];
  if (sided === 'none' || (side !== 'left' && side !== 'right')) return false;
  if (viewpoint === 'interior') return insideIsExcluded(side, in_picture, area, first);
  // Seen from the front the car's left is on the picture's right, seen from the rear on its left.
  if (viewpoint === 'front' || viewpoint === 'rear') {
    return in_picture !== 'middle' && (viewpoint === 'rear') !== (in_picture === side);
  }
  const quarter = THREE_QUARTERS[viewpoint];
  if (quarter !== undefined && side !== quarter.near) {
    if (row.nearness === 'near' || in_picture === quarter.at) return true;
  }
  if (quarter !== undefined && side === quarter.near && row.nearness === 'far') return true;
  // A photo of the right flank shows no left door; nor, straight from the side, the other headlight.
  const flankOnly = viewpoint === 'left' || viewpoint === 'right';
  const other = side === 'left' ? 'right_side' : 'left_side';
  const onFlank = area === 'by_side' || (flankOnly && (area === 'front' || area === 'rear' || area === 'by_end'));
  return onFlank && !SEEN_ACROSS.has(part) && shows(viewpoint, other);
}

/** Looking forward the picture's left is the vehicle's, looking back it is its right; looking at one door shows not the other. */
function insideIsExcluded(
  side: 'left' | 'right',
  position: PicturePosition,
  area: PartInfo['area'],
  photo: AssessedPhoto | undefined,
): boolean {
  if (area !== 'interior') return false;
  switch (photo?.looking) {
    case 'forward':
      return position !== 'middle' && position !== side;
    case 'rearward':
      return position === side;
    case 'to_left':
    case 'to_right':
    case 'down':
    case 'up':
    case 'unknown':
    case undefined:
      return false;
  }
}

function endIsExcluded({ part, end, viewpoint, in_picture }: FindingRow, first: AssessedPhoto | undefined): boolean {
  const { area, end: own }: PartInfo = PARTS[part];
  const at: End = own === 'front' || own === 'rear' ? own : own === 'none' ? 'n/a' : end;
  if (at === 'n/a') return false;
  if (area === 'by_end' || area === 'front' || area === 'rear') {
    const [here, there]: readonly [Area, Area] = at === 'front' ? ['front', 'rear'] : ['rear', 'front'];
    return shows(viewpoint, there) && !shows(viewpoint, here);
  }
  // On a whole left flank the front is at the picture's left, on a right one at its right. A part of a flank tells nothing.
  if ((viewpoint !== 'left' && viewpoint !== 'right') || area !== 'by_side' || in_picture === 'middle') return false;
  const whole = first !== undefined && WHOLE_FLANK.every((seen) => first.visible_parts.includes(seen));
  return whole && (in_picture === viewpoint) !== (at === 'front');
}

const WHOLE_FLANK: readonly Part[] = ['fender', 'quarter_panel'];

function shows(view: View, area: Area): boolean {
  return (VIEWS[view].areas as readonly Area[]).includes(area);
}

/** Do these photos bear out the side that a row names: a view of that flank, or of an end with the part off the middle? */
export function sideIsShown(row: FindingRow, photos: readonly AssessedPhoto[]): boolean {
  if (row.side !== 'left' && row.side !== 'right') return false;
  const flank: Area = row.side === 'left' ? 'left_side' : 'right_side';
  return photos.some(({ view }) => {
    if (view === 'front' || view === 'rear') return row.in_picture !== 'middle';
    return shows(view, flank);
  });
}
