/** Where a part may be named and what can happen to it; words as in the field's usual closed lists. */
interface PartFacts {
  readonly types: readonly string[];
  /** `pair`: a left and a right one; `wide`: across the car; `none`: a side means nothing. */
  readonly sided: 'pair' | 'wide' | 'none';
  readonly end: 'front' | 'rear' | 'either' | 'none';
}

const PANEL = ['scratch', 'dent', 'scuff', 'paint_chip', 'deformation', 'paint_peeling', 'corrosion', 'crack'];
const LAMP = ['crack', 'broken', 'lens_haze', 'scratch'];
const GLASS = ['glass_chip', 'crack', 'shattered_glass'];
const RIM = ['curb_rash', 'scratch', 'corrosion'];
const TYRE = ['flat_tyre', 'tyre_wear'];
const TRIM = ['scratch', 'crack', 'broken', 'missing_part'];

export const PART_FACTS: Readonly<Record<string, PartFacts>> = {
  bumper: { types: [...PANEL, 'detached'], sided: 'wide', end: 'either' },
  bonnet: { types: PANEL, sided: 'wide', end: 'front' },
  grille: { types: TRIM, sided: 'wide', end: 'front' },
  fender: { types: PANEL, sided: 'pair', end: 'front' },
  door: { types: PANEL, sided: 'pair', end: 'either' },
  quarter_panel: { types: PANEL, sided: 'pair', end: 'rear' },
  rocker: { types: PANEL, sided: 'pair', end: 'none' },
  roof: { types: [...PANEL, 'hail_dents'], sided: 'wide', end: 'none' },
  tailgate: { types: PANEL, sided: 'wide', end: 'rear' },
  mirror: { types: TRIM, sided: 'pair', end: 'front' },
  licence_plate: { types: ['deformation', 'missing_part', 'scratch'], sided: 'none', end: 'either' },
  headlight: { types: LAMP, sided: 'pair', end: 'front' },
  fog_light: { types: LAMP, sided: 'pair', end: 'either' },
  tail_light: { types: LAMP, sided: 'pair', end: 'rear' },
  windshield: { types: GLASS, sided: 'wide', end: 'front' },
  rear_window: { types: GLASS, sided: 'wide', end: 'rear' },
  side_window: { types: GLASS, sided: 'pair', end: 'either' },
  rim: { types: RIM, sided: 'pair', end: 'either' },
  tyre: { types: TYRE, sided: 'pair', end: 'either' },
};

/** The parts a view shows, from the picture's top band to its bottom band. */
interface ViewFacts {
  readonly areas: readonly string[];
  readonly bands: readonly [readonly string[], readonly string[], readonly string[]];
}

const FRONT = [
  ['windshield', 'roof'],
  ['bonnet', 'headlight', 'grille'],
  ['bumper', 'fog_light', 'licence_plate'],
] as const;
const REAR = [
  ['rear_window', 'roof'],
  ['tailgate', 'tail_light'],
  ['bumper', 'licence_plate'],
] as const;
const FLANK = [
  ['side_window', 'roof', 'mirror'],
  ['door', 'fender', 'quarter_panel'],
  ['rocker', 'rim', 'tyre'],
] as const;
const FRONT_CORNER = [
  ['windshield', 'mirror', 'roof'],
  ['bonnet', 'headlight', 'fender', 'door'],
  ['bumper', 'rim', 'fog_light'],
] as const;
const REAR_CORNER = [
  ['rear_window', 'side_window', 'roof'],
  ['tailgate', 'tail_light', 'quarter_panel', 'door'],
  ['bumper', 'rim', 'tyre'],
] as const;

export const VIEW_FACTS: Readonly<Record<string, ViewFacts>> = {
  front: { areas: ['front'], bands: FRONT },
  front_left: { areas: ['front', 'left_side'], bands: FRONT_CORNER },
  front_right: { areas: ['front', 'right_side'], bands: FRONT_CORNER },
  left: { areas: ['left_side'], bands: FLANK },
  right: { areas: ['right_side'], bands: FLANK },
  rear: { areas: ['rear'], bands: REAR },
  rear_left: { areas: ['rear', 'left_side'], bands: REAR_CORNER },
  rear_right: { areas: ['rear', 'right_side'], bands: REAR_CORNER },
};

export const VIEW_NAMES = Object.keys(VIEW_FACTS);

/** The zones whose coverage is asked for. */
export const AREA_NAMES = ['front', 'rear', 'left_side', 'right_side', 'roof', 'underbody', 'interior', 'engine_bay'];

/** Parts of the bands above that a view does not show as a rule: an answer by exception names only these. */
export const NAMED_BESIDES: ReadonlySet<string> = new Set(['roof', 'fog_light', 'rim', 'tyre']);

/** Could this part lie here? A flank has its fender and mirror at the car's front, its quarter panel at the rear. */
export function fitsPosition(part: string, view: string, position: string): boolean {
  if ((view !== 'left' && view !== 'right') || position === 'middle') return true;
  const end = PART_FACTS[part]?.end;
  return (end !== 'front' && end !== 'rear') || end === (position === view ? 'front' : 'rear');
}

/** Near or far from the camera, in a view of a corner; the flank that it shows is the near one. */
export function nearnessOf(view: string, side: string): string {
  const [, flank] = view.split('_');
  if (flank === undefined || (side !== 'left' && side !== 'right')) return 'n/a';
  return side === flank ? 'near' : 'far';
}

/**
 * The vehicle's own side and end of a part, from where it lies in the picture. Seen from the front the picture's right
 * is the car's left; seen from behind it is the car's right; a flank is one side throughout.
 */
export function placeOf(part: string, view: string, position: string): { side: string; end: string } {
  const facts = PART_FACTS[part] ?? { types: [], sided: 'none', end: 'none' };
  const fromFront = view.startsWith('front');
  const fromRear = view.startsWith('rear');
  const flank = view.endsWith('left') ? 'left' : view.endsWith('right') ? 'right' : null;
  return { side: sideOf(facts, fromFront, fromRear, flank, position), end: endOf(facts, view, position) };
}

function sideOf(
  facts: PartFacts,
  fromFront: boolean,
  fromRear: boolean,
  flank: string | null,
  position: string,
): string {
  if (facts.sided === 'none') return 'n/a';
  if (flank !== null && (facts.sided === 'pair' || (!fromFront && !fromRear))) return flank;
  if (position === 'middle') return facts.sided === 'pair' ? 'unknown' : 'center';
  if (fromFront) return position === 'right' ? 'left' : 'right';
  return position;
}

function endOf(facts: PartFacts, view: string, position: string): string {
  if (facts.end === 'none') return 'n/a';
  if (facts.end !== 'either') return facts.end;
  if (view.startsWith('front')) return 'front';
  if (view.startsWith('rear')) return 'rear';
  // On the left flank the car points to the picture's left, on the right flank to its right.
  return position === (view === 'left' ? 'right' : 'left') ? 'rear' : 'front';
}
