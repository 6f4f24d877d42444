import { VIEWS, type Part, type View } from './taxonomy.js';
import type { VehicleKind } from './vehicle.js';

/**
 * What a view usually shows of a vehicle, so that the model names only what a photo shows besides or does not show: thirteen parts a
 * photo, every time, were half of what an answer cost.
 */
const USUAL = {
  car: {
    front: ['bumper', 'bonnet', 'grille', 'headlight', 'windshield', 'licence_plate'],
    rear: ['bumper', 'tailgate', 'tail_light', 'rear_window', 'licence_plate'],
    flank: ['door', 'fender', 'quarter_panel', 'rocker', 'side_window', 'wheel', 'mirror'],
  },
  van: {
    front: ['bumper', 'bonnet', 'grille', 'headlight', 'windshield', 'licence_plate'],
    rear: ['bumper', 'loading_door', 'tail_light', 'licence_plate'],
    flank: ['door', 'fender', 'side_panel', 'rocker', 'side_window', 'wheel', 'mirror'],
  },
  truck: {
    front: ['bumper', 'grille', 'headlight', 'windshield', 'licence_plate'],
    rear: ['bumper', 'tail_light', 'licence_plate'],
    flank: ['door', 'side_window', 'wheel', 'mirror'],
  },
  motorcycle: {
    front: ['headlight', 'fork', 'handlebar', 'wheel'],
    rear: ['tail_light', 'wheel', 'licence_plate'],
    flank: ['wheel', 'fork', 'handlebar', 'fuel_tank', 'saddle', 'engine_bay'],
  },
} as const satisfies Record<string, Readonly<Record<'front' | 'rear' | 'flank', readonly Part[]>>>;

/** Views of something else than the outside, of whatever vehicle has it. */
const INSIDE: Readonly<Partial<Record<View, readonly Part[]>>> = {
  top: ['roof'],
  underbody: ['underbody'],
  interior: ['seat', 'dashboard', 'steering_wheel', 'centre_console'],
  engine_bay: ['engine_bay'],
};

/** The parts that a view of such a vehicle usually shows; a three-quarter view shows those of an end and of a flank. */
export function usualParts(view: View, kind: VehicleKind): readonly Part[] {
  const { front, rear, flank } = USUAL[kind === 'other' || kind === 'none' ? 'car' : kind];
  const { areas } = VIEWS[view] as { readonly areas: readonly string[] };
  return [
    ...new Set<Part>([
      ...(areas.includes('front') ? front : []),
      ...(areas.includes('rear') ? rear : []),
      ...(areas.some((area) => area.endsWith('_side')) ? flank : []),
      ...(INSIDE[view] ?? []),
    ]),
  ];
}

/** The same for the model, in the schema and not in the prompt: an operator's own prompt must not have to know it. */
export function usualPartsText(): string {
  const kinds = Object.entries(USUAL).map(
    ([kind, { front, rear, flank }]) =>
      `${kind}: front ${front.join(' ')}, rear ${rear.join(' ')}, flank ${flank.join(' ')}`,
  );
  const inside = Object.entries(INSIDE).map(([view, parts]) => `${view}: ${parts.join(' ')}`);
  return `Usual parts. ${[...kinds, ...inside].join('; ')}. A three-quarter view has those of its end and of a flank; detail has none`;
}
