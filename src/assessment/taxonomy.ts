/**
 * What can be said about a car's condition from photos: the closed lists that the model must choose from, that the
 * schema, the prompt, the checks and the English words are derived from. A new damage type is one new line in
 * `DAMAGE_TYPES`; the schema version changes by itself because it is a fingerprint of these lists.
 *
 * The types are the union of the public damage sets (CarDD, VehiDE, HITL, Monk), so that labelled photos map onto
 * them without loss. Sizes stay words: photos carry no scale.
 */

/** What a part is made of, as far as it decides which damage can be on it. */
export type Material = 'panel' | 'trim' | 'glass' | 'lamp' | 'wheel' | 'tyre' | 'cabin' | 'mechanical' | 'airbag';

/** The zones whose coverage is reported. */
export const AREAS = {
  front: { name: 'front' },
  rear: { name: 'rear' },
  left_side: { name: 'left side' },
  right_side: { name: 'right side' },
  roof: { name: 'roof' },
  underbody: { name: 'underbody' },
  interior: { name: 'interior' },
  engine_bay: { name: 'engine bay' },
} as const satisfies Record<string, { readonly name: string }>;
export type Area = keyof typeof AREAS;

export interface PartInfo {
  /** English, lower case, singular. */
  readonly name: string;
  readonly materials: readonly Material[];
  /** `pair`: one left and one right. `wide`: one part with a left and a right half. `none`: a side means nothing. */
  readonly sided: 'pair' | 'wide' | 'none';
  /** Where on the car it is; `either`: at both ends; `none`: an end means nothing. */
  readonly end: 'front' | 'rear' | 'either' | 'none';
  /** Its area; `by_end` and `by_side`: decided by the finding's end or side. */
  readonly area: Area | 'by_end' | 'by_side' | null;
  /** The part that it belongs to: a photo that shows the one shows the other. */
  readonly within?: string;
}

const part = (
  name: string,
  materials: readonly Material[],
  sided: PartInfo['sided'],
  end: PartInfo['end'],
  area: PartInfo['area'],
  within?: string,
): PartInfo => ({ name, materials, sided, end, area, ...(within === undefined ? {} : { within }) });

/** The parts. What is named here needs no `other`, which hides what it is and merges what is not one. */
export const PARTS = {
  bumper: part('bumper', ['panel', 'trim'], 'wide', 'either', 'by_end'),
  bonnet: part('bonnet', ['panel'], 'wide', 'front', 'front'),
  grille: part('grille', ['trim'], 'wide', 'front', 'front', 'bumper'),
  fender: part('fender', ['panel'], 'pair', 'front', 'by_side'),
  door: part('door', ['panel'], 'pair', 'either', 'by_side'),
  quarter_panel: part('quarter panel', ['panel'], 'pair', 'rear', 'by_side'),
  rocker: part('rocker panel', ['panel', 'trim'], 'pair', 'none', 'by_side'),
  roof: part('roof', ['panel'], 'wide', 'none', 'roof'),
  pillar: part('pillar', ['panel', 'trim'], 'pair', 'either', 'by_side'),
  tailgate: part('tailgate', ['panel'], 'wide', 'rear', 'rear'),
  spoiler: part('spoiler', ['panel', 'trim'], 'wide', 'either', 'by_end'),
  moulding: part('moulding', ['trim', 'panel'], 'pair', 'either', 'by_side', 'door'),
  badge: part('badge', ['trim'], 'none', 'either', 'by_end'),
  mirror: part('mirror', ['panel', 'trim', 'glass'], 'pair', 'front', 'by_side'),
  door_handle: part('door handle', ['panel', 'trim'], 'pair', 'either', 'by_side', 'door'),
  fuel_flap: part('fuel flap', ['panel'], 'pair', 'none', 'by_side', 'quarter_panel'),
  licence_plate: part('licence plate', ['trim'], 'none', 'either', 'by_end', 'bumper'),
  headlight: part('headlight', ['lamp'], 'pair', 'front', 'front'),
  fog_light: part('fog light', ['lamp'], 'pair', 'either', 'by_end', 'bumper'),
  tail_light: part('tail light', ['lamp'], 'pair', 'rear', 'rear'),
  indicator: part('indicator', ['lamp'], 'pair', 'either', 'by_end', 'headlight'),
  windshield: part('windshield', ['glass'], 'wide', 'front', 'front'),
  rear_window: part('rear window', ['glass'], 'wide', 'rear', 'rear'),
  side_window: part('side window', ['glass'], 'pair', 'either', 'by_side', 'door'),
  sunroof: part('sunroof', ['glass'], 'none', 'none', 'roof', 'roof'),
  wiper: part('wiper', ['trim'], 'none', 'either', 'by_end'),
  wheel: part('wheel', ['wheel', 'tyre'], 'pair', 'either', 'by_side'),
  rim: part('rim', ['wheel'], 'pair', 'either', 'by_side', 'wheel'),
  tyre: part('tyre', ['tyre'], 'pair', 'either', 'by_side', 'wheel'),
  hubcap: part('hubcap', ['wheel', 'trim'], 'pair', 'either', 'by_side', 'wheel'),
  underbody: part('underbody', ['mechanical', 'panel'], 'none', 'none', 'underbody'),
  // A pipe that looks out under the bumper shows nothing of the underbody: it is of no area.
  exhaust: part('exhaust', ['mechanical', 'trim'], 'none', 'none', null),
  engine_bay: part('engine bay', ['mechanical', 'panel', 'trim'], 'none', 'none', 'engine_bay'),
  seat: part('seat', ['cabin'], 'pair', 'either', 'interior'),
  steering_wheel: part('steering wheel', ['cabin'], 'none', 'none', 'interior', 'dashboard'),
  dashboard: part('dashboard', ['cabin'], 'none', 'none', 'interior'),
  instrument_cluster: part('instrument cluster', ['cabin', 'glass'], 'none', 'none', 'interior', 'dashboard'),
  centre_console: part('centre console', ['cabin'], 'none', 'none', 'interior'),
  door_card: part('door card', ['cabin'], 'pair', 'either', 'interior'),
  headliner: part('headliner', ['cabin'], 'none', 'none', 'interior'),
  floor: part('floor', ['cabin', 'panel'], 'none', 'none', 'interior'),
  boot: part('boot compartment', ['cabin', 'panel'], 'none', 'none', 'interior'),
  airbag: part('airbag', ['airbag', 'cabin'], 'none', 'none', 'interior'),
  wheel_arch: part('wheel arch', ['panel', 'trim'], 'pair', 'either', 'by_side', 'fender'),
  mudguard: part('mudguard', ['trim', 'panel'], 'pair', 'either', 'by_side', 'wheel_arch'),
  running_board: part('running board', ['trim', 'panel'], 'pair', 'none', 'by_side', 'rocker'),
  side_panel: part('side panel of the body', ['panel'], 'pair', 'none', 'by_side'),
  loading_door: part('loading door', ['panel'], 'pair', 'rear', 'rear'),
  cargo_bed: part('cargo bed', ['panel', 'trim'], 'none', 'rear', 'rear'),
  soft_top: part('soft top', ['cabin', 'panel'], 'wide', 'none', 'roof'),
  roof_rails: part('roof rails', ['trim'], 'pair', 'none', 'roof', 'roof'),
  antenna: part('antenna', ['trim'], 'none', 'none', 'roof'),
  camera: part('camera or sensor', ['trim', 'lamp'], 'none', 'either', 'by_end'),
  towbar: part('towbar', ['mechanical'], 'none', 'rear', 'rear'),
  spare_wheel: part('spare wheel', ['wheel', 'tyre'], 'none', 'none', null),
  suspension: part('suspension', ['mechanical'], 'pair', 'either', 'underbody'),
  fuel_tank: part('fuel tank', ['mechanical', 'panel'], 'none', 'none', null),
  radiator: part('radiator', ['mechanical'], 'none', 'none', 'engine_bay', 'engine_bay'),
  battery: part('battery', ['mechanical'], 'none', 'none', 'engine_bay', 'engine_bay'),
  radio: part('radio or display', ['cabin', 'glass'], 'none', 'none', 'interior', 'dashboard'),
  glovebox: part('glovebox', ['cabin'], 'none', 'none', 'interior', 'dashboard'),
  gear_lever: part('gear lever', ['cabin'], 'none', 'none', 'interior', 'centre_console'),
  headrest: part('headrest', ['cabin'], 'pair', 'either', 'interior', 'seat'),
  seat_belt: part('seat belt', ['cabin'], 'pair', 'either', 'interior'),
  sun_visor: part('sun visor', ['cabin'], 'pair', 'none', 'interior'),
  interior_mirror: part('interior mirror', ['cabin', 'glass'], 'none', 'none', 'interior'),
  fairing: part('fairing', ['panel', 'trim'], 'wide', 'none', null),
  fork: part('front fork', ['mechanical'], 'none', 'front', 'front'),
  handlebar: part('handlebar', ['trim', 'mechanical'], 'wide', 'front', 'front'),
  saddle: part('saddle', ['cabin'], 'none', 'none', null),
  other: part('other part', [], 'none', 'none', null),
} as const satisfies Record<string, PartInfo>;
export type Part = keyof typeof PARTS;

export interface DamageTypeInfo {
  /** English, lower case, as it stands after "Left front door: ". */
  readonly name: string;
  /** For the model. */
  readonly meaning: string;
  /** The materials that it can be on; a row on another part is marked for review, never deleted. */
  readonly fits: readonly Material[] | 'any';
}

const PAINTED: readonly Material[] = ['panel', 'trim', 'wheel'];
const SURFACES: readonly Material[] = ['panel', 'trim', 'glass', 'lamp', 'wheel', 'cabin'];
const SOLID: readonly Material[] = ['panel', 'trim', 'lamp', 'wheel', 'mechanical', 'cabin'];

/** The 28 damage types. */
export const DAMAGE_TYPES = {
  scratch: { name: 'scratch', meaning: 'thin line in the paint or surface', fits: SURFACES },
  scuff: { name: 'scuff', meaning: 'rubbed area, transferred paint', fits: SURFACES },
  paint_chip: { name: 'paint chip', meaning: 'small spot where paint is knocked off', fits: PAINTED },
  paint_peeling: { name: 'peeling paint', meaning: 'paint or lacquer coming off in flakes', fits: PAINTED },
  paint_mismatch: { name: 'paint mismatch', meaning: 'panel in another shade or texture', fits: ['panel', 'trim'] },
  stain: { name: 'stain', meaning: 'discolouration that washing would not remove', fits: SURFACES },
  corrosion: { name: 'corrosion', meaning: 'rust or oxidation', fits: ['panel', 'trim', 'wheel', 'mechanical'] },
  dent: { name: 'dent', meaning: 'surface pushed in, shape otherwise kept', fits: ['panel', 'trim', 'mechanical'] },
  hail_dents: { name: 'hail dents', meaning: 'many small round dents', fits: ['panel'] },
  deformation: { name: 'deformation', meaning: 'part crushed, folded or bent out of shape', fits: SOLID },
  misalignment: { name: 'misalignment', meaning: 'gaps uneven, part out of place', fits: SOLID },
  crack: { name: 'crack', meaning: 'split that does not open', fits: [...SURFACES, 'mechanical', 'tyre'] },
  broken: { name: 'breakage', meaning: 'part broken, pieces loose', fits: [...SURFACES, 'mechanical'] },
  shattered_glass: { name: 'shattered glass', meaning: 'glass in fragments or gone', fits: ['glass'] },
  glass_chip: { name: 'glass chip', meaning: 'small stone impact in glass', fits: ['glass', 'lamp'] },
  hole: { name: 'hole', meaning: 'material pierced', fits: [...SURFACES, 'mechanical', 'tyre'] },
  tear: {
    name: 'tear',
    meaning: 'sheet metal, plastic or fabric ripped open',
    fits: ['panel', 'trim', 'cabin', 'tyre'],
  },
  missing_part: { name: 'missing part', meaning: 'part or piece of it gone', fits: 'any' },
  detached: { name: 'detachment', meaning: 'part hanging loose or come off its mounts', fits: 'any' },
  curb_rash: { name: 'kerb rash', meaning: 'scraped rim edge', fits: ['wheel'] },
  tyre_wear: { name: 'tyre wear', meaning: 'tread low or uneven', fits: ['tyre'] },
  flat_tyre: { name: 'flat tyre', meaning: 'tyre without air', fits: ['tyre'] },
  lens_haze: { name: 'lens haze', meaning: 'lamp lens yellowed or clouded', fits: ['lamp'] },
  wear: { name: 'wear', meaning: 'use over time: shine, fraying, thin spots', fits: ['cabin', 'trim', 'mechanical'] },
  burn: { name: 'burn damage', meaning: 'scorched, melted, sooted', fits: 'any' },
  airbag_deployed: { name: 'deployed airbag', meaning: 'airbag out of its cover', fits: ['airbag', 'cabin'] },
  warning_light: { name: 'warning light', meaning: 'warning lamp lit while the engine runs', fits: ['cabin'] },
  fluid_leak: {
    name: 'fluid leak',
    meaning: 'wet trace or puddle of a fluid of this car',
    fits: ['mechanical', 'wheel'],
  },
} as const satisfies Record<string, DamageTypeInfo>;
export type DamageType = keyof typeof DAMAGE_TYPES;

/**
 * Types without degrees: such a damage is there or it is not. Rows have a severity all the same; no text writes it, and among others
 * the damage weighs like this one. It is a list of its own, for the schema's version names what the models are told.
 */
export const WITHOUT_DEGREES: { readonly [Type in DamageType]?: 'moderate' | 'severe' } = {
  missing_part: 'severe',
  flat_tyre: 'moderate',
  airbag_deployed: 'severe',
  warning_light: 'moderate',
};

/** The 8 look-alikes: what is often taken for damage gets a place of its own to go. */
export const NOT_DAMAGE = {
  reflection: { name: 'reflection' },
  shadow: { name: 'shadow' },
  dirt: { name: 'dirt' },
  water_or_frost: { name: 'water or frost' },
  design_feature: { name: 'body line or design feature' },
  sticker_or_marking: { name: 'sticker or yard marking' },
  other_vehicle: { name: 'another vehicle' },
  photo_artifact: { name: 'photo artefact' },
} as const satisfies Record<string, { readonly name: string }>;
export type NotDamage = keyof typeof NOT_DAMAGE;

export interface SeverityInfo {
  readonly name: string;
  /** For ordering: the highest wins when rows are merged. */
  readonly rank: number;
  /** Points of the condition band. */
  readonly points: number;
  /** The anchor that the model is given; anchors added 9 to 12 points of accuracy in INS-MMBench. */
  readonly anchor: string;
}

/**
 * Three levels, as every published test and labelled set has them, and `unknown`. Anchored to the part, its edge and a hand:
 * photos show no millimetres, so that an anchor in millimetres is a guess of its own.
 */
export const SEVERITIES = {
  minor: {
    name: 'minor',
    rank: 1,
    points: 1,
    anchor:
      'cosmetic: a spot, a mark along an edge or corner, or damage no larger than a hand that keeps the shape; chips, haze; the part works',
  },
  moderate: {
    name: 'moderate',
    rank: 2,
    points: 4,
    anchor:
      'larger than a hand, long, or over much of the part: one part to repair and paint; it is still fixed and working',
  },
  severe: {
    name: 'severe',
    rank: 3,
    points: 10,
    anchor:
      'broken, torn, missing, or deformed so that the whole part needs replacing; several panels; glass not usable; any safety item',
  },
  unknown: { name: 'severity unclear', rank: 0, points: 2, anchor: 'the size cannot be judged from the photos' },
} as const satisfies Record<string, SeverityInfo>;
export type Severity = keyof typeof SEVERITIES;

/** Ordered from least to most sure. */
export const CONFIDENCES = ['low', 'medium', 'high'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

/** The vehicle's own sides, seen from the driver's seat facing forward. */
export const SIDES = ['left', 'right', 'center', 'unknown', 'n/a'] as const;
export type Side = (typeof SIDES)[number];

export const ENDS = ['front', 'rear', 'n/a'] as const;
export type End = (typeof ENDS)[number];

/** Where in the picture a damage lies, as the viewer sees it: the step before naming a side. */
export const PICTURE_POSITIONS = ['left', 'middle', 'right'] as const;
export type PicturePosition = (typeof PICTURE_POSITIONS)[number];

/** In a three-quarter view: on the flank and the corner towards the camera, or on those away from it. */
export const NEARNESSES = ['near', 'far', 'n/a'] as const;
export type Nearness = (typeof NEARNESSES)[number];

/** Where a photo of the interior looks, in the vehicle's own directions; `unknown` also of all other photos. */
export const LOOKINGS = ['forward', 'rearward', 'to_left', 'to_right', 'down', 'up', 'unknown'] as const;
export type Looking = (typeof LOOKINGS)[number];

/** The 14 views and `unusable`, with the areas that each shows. */
export const VIEWS = {
  front: { areas: ['front'] },
  front_left: { areas: ['front', 'left_side'] },
  left: { areas: ['left_side'] },
  rear_left: { areas: ['rear', 'left_side'] },
  rear: { areas: ['rear'] },
  rear_right: { areas: ['rear', 'right_side'] },
  right: { areas: ['right_side'] },
  front_right: { areas: ['front', 'right_side'] },
  top: { areas: ['roof'] },
  underbody: { areas: ['underbody'] },
  interior: { areas: ['interior'] },
  engine_bay: { areas: ['engine_bay'] },
  detail: { areas: [] },
  document_or_plate: { areas: [] },
  unusable: { areas: [] },
} as const satisfies Record<string, { readonly areas: readonly Area[] }>;
export type View = keyof typeof VIEWS;
