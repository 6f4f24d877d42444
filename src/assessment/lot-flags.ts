import type { Area, DamageType } from './taxonomy.js';

/** The 11 photo issues. `blinds`: nothing can be judged from such a photo. `limits`: what it shows is uncertain. */
export const PHOTO_ISSUES = {
  blur: { name: 'is blurred', effect: 'limits' },
  too_dark: { name: 'is too dark', effect: 'limits' },
  overexposed: { name: 'is overexposed', effect: 'limits' },
  glare: { name: 'has glare', effect: 'limits' },
  too_small: { name: 'is too small', effect: 'limits' },
  cropped: { name: 'is cropped', effect: 'none' },
  obstructed: { name: 'is partly obstructed', effect: 'limits' },
  dirty_or_wet: { name: 'shows a dirty or wet vehicle', effect: 'limits' },
  not_a_vehicle: { name: 'does not show a vehicle', effect: 'blinds' },
  other_vehicle: { name: 'shows another vehicle too', effect: 'none' },
  duplicate: { name: 'repeats another photo', effect: 'none' },
} as const satisfies Record<string, { readonly name: string; readonly effect: 'none' | 'limits' | 'blinds' }>;
export type PhotoIssue = keyof typeof PHOTO_ISSUES;

export interface LotFlagInfo {
  /** For the model. */
  readonly question: string;
  /** "Yes" counts only with a photo of one of these areas, or a close-up: a rear view shows no airbag. */
  readonly shownBy: readonly Area[];
  /** "No" counts only if one of these areas is shown: what no photo shows is never denied. */
  readonly needs: readonly Area[];
  /** Damage types that say the same. */
  readonly impliedBy: readonly DamageType[];
  /** Points of the condition band. */
  readonly points: number;
}

/** The 8 flags of a whole lot: what decides a bid more than any single row. */
export const LOT_FLAGS = {
  airbags_deployed: {
    question: 'an airbag is out of its cover',
    shownBy: ['interior', 'front', 'left_side', 'right_side'],
    needs: ['interior'],
    impliedBy: ['airbag_deployed'],
    points: 15,
  },
  structural_suspected: {
    question: 'pillar, sill, rail, roof or suspension mount visibly displaced or kinked',
    shownBy: ['front', 'rear', 'left_side', 'right_side', 'roof', 'underbody', 'engine_bay'],
    needs: ['front', 'rear', 'left_side', 'right_side'],
    impliedBy: [],
    points: 15,
  },
  fire: {
    question: 'soot, melted or burnt parts',
    shownBy: ['front', 'rear', 'left_side', 'right_side', 'roof', 'underbody', 'interior', 'engine_bay'],
    needs: ['front', 'rear', 'left_side', 'right_side', 'interior', 'engine_bay'],
    // Not `burn`: a cigarette hole in a seat is a burn and no fire.
    impliedBy: [],
    points: 20,
  },
  flood_signs: {
    question: 'water line, silt, mould or soaked trim',
    shownBy: ['interior', 'engine_bay', 'underbody', 'front', 'rear', 'left_side', 'right_side'],
    needs: ['interior', 'engine_bay'],
    impliedBy: [],
    points: 20,
  },
  hail: {
    question: 'many small round dents on upper surfaces',
    shownBy: ['roof', 'front', 'rear', 'left_side', 'right_side'],
    needs: ['roof', 'front'],
    impliedBy: ['hail_dents'],
    points: 4,
  },
  prior_repair_signs: {
    question: 'mismatched paint, overspray, filler, uneven gaps that look repaired',
    shownBy: ['front', 'rear', 'left_side', 'right_side', 'roof', 'underbody', 'engine_bay'],
    needs: ['front', 'rear', 'left_side', 'right_side'],
    impliedBy: ['paint_mismatch'],
    points: 2,
  },
  stripped_parts: {
    question: 'parts removed on purpose: wheels, seats, engine parts, lamps',
    shownBy: ['front', 'rear', 'left_side', 'right_side', 'roof', 'underbody', 'interior', 'engine_bay'],
    needs: ['front', 'rear', 'left_side', 'right_side', 'interior', 'engine_bay'],
    impliedBy: [],
    points: 10,
  },
  fluid_leak: {
    question: 'fluid on the ground or running from this vehicle',
    shownBy: ['underbody', 'engine_bay', 'front', 'rear', 'left_side', 'right_side'],
    needs: ['underbody', 'engine_bay'],
    impliedBy: ['fluid_leak'],
    points: 4,
  },
} as const satisfies Record<string, LotFlagInfo>;
export type LotFlag = keyof typeof LOT_FLAGS;

/** What can be read off a photo; a reading that is not legible is left out, never guessed. */
export const READINGS = {
  odometer: { name: 'Odometer' },
  vin: { name: 'VIN' },
  licence_plate: { name: 'Licence plate' },
} as const satisfies Record<string, { readonly name: string }>;
export type Reading = keyof typeof READINGS;
