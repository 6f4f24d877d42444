import { ALL_ROUND, type Scene, type SceneRow } from './scene-rows.js';

/** A row for each of these parts, from the view that shows it. */
export function rowsOf(
  type: string,
  places: readonly (readonly [part: string, side: string, end: string, view: string])[],
  more: Partial<SceneRow> = {},
): SceneRow[] {
  return places.map(([part, side, end, view]) => ({ seen: [view], part, side, end, type, ...more }));
}

const DOORS = [
  ['door', 'left', 'front', 'left'],
  ['door', 'left', 'rear', 'left'],
  ['door', 'right', 'front', 'right'],
  ['door', 'right', 'rear', 'right'],
] as const;

const SIXTY_PARTS = [
  ...DOORS,
  ['fender', 'left', 'front', 'left'],
  ['fender', 'right', 'front', 'right'],
  ['quarter_panel', 'left', 'rear', 'left'],
  ['quarter_panel', 'right', 'rear', 'right'],
  ['rocker', 'left', 'n/a', 'left'],
  ['rocker', 'right', 'n/a', 'right'],
  ['mirror', 'left', 'front', 'left'],
  ['mirror', 'right', 'front', 'right'],
  ['bumper', 'center', 'front', 'front'],
  ['bumper', 'center', 'rear', 'rear'],
  ['bonnet', 'center', 'front', 'front'],
  ['tailgate', 'center', 'rear', 'rear'],
  ['door_handle', 'left', 'front', 'left'],
  ['door_handle', 'right', 'front', 'right'],
  ['grille', 'center', 'front', 'front'],
  ['pillar', 'left', 'front', 'left'],
] as const;

export const DEPLOYED: SceneRow = {
  seen: ['interior'],
  part: 'airbag',
  type: 'airbag_deployed',
  severity: 'severe',
  extent: 'whole_part',
};

/** A car that is scratched all over, and whose airbags are out. */
export const SIXTY: Scene = {
  views: ALL_ROUND,
  vehicle: { kind: 'car', body: 'mpv', colour: 'green', doors: 'five' },
  also: { interior: ['airbag'], left: ['pillar'] },
  interior: 'marked_wear',
  flags: { airbags_deployed: ['interior'] },
  not_visible: ['roof', 'underbody'],
  findings: [
    ...rowsOf('scratch', SIXTY_PARTS, { severity: 'minor', extent: 'hand', zone: 'middle' }),
    ...rowsOf('scuff', SIXTY_PARTS, { severity: 'minor', extent: 'long', zone: 'lower_half' }),
    ...rowsOf('crack', SIXTY_PARTS.slice(0, 19), { severity: 'moderate', zone: 'edge' }),
    DEPLOYED,
  ],
};
