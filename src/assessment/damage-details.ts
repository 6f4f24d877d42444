/**
 * What a row says of one damage beside its type: closed lists in place of a free sentence, so that every word of the
 * published text is ours. `unknown` is never written out.
 */

/** Where on the part. `whole` means all of it. */
export const ZONES = {
  upper_half: { meaning: 'its upper half' },
  lower_half: { meaning: 'its lower half' },
  front_section: { meaning: 'the section towards the front of the vehicle' },
  rear_section: { meaning: 'the section towards the rear of the vehicle' },
  middle: { meaning: 'its middle' },
  edge: { meaning: 'along an edge' },
  corner: { meaning: 'at a corner' },
  across: { meaning: 'from one side of the part to the other' },
  whole: { meaning: 'all of it' },
  unknown: { meaning: 'the photos do not tell' },
} as const satisfies Record<string, { readonly meaning: string }>;
export type Zone = keyof typeof ZONES;

/** How far it reaches, measured by the part and by a hand, because photos show no millimetres. */
export const EXTENTS = {
  spot: { meaning: 'no larger than a coin' },
  hand: { meaning: 'about the size of a hand' },
  long: { meaning: 'longer than a hand, in one direction' },
  whole_part: { meaning: 'nearly all of the part' },
  unknown: { meaning: 'cannot be judged' },
} as const satisfies Record<string, { readonly meaning: string }>;
export type Extent = keyof typeof EXTENTS;

/** How many of the same kind on this part. */
export const COUNTS = {
  one: { meaning: 'a single one' },
  few: { meaning: 'two to five' },
  many: { meaning: 'more than five' },
} as const satisfies Record<string, { readonly meaning: string }>;
export type Count = keyof typeof COUNTS;

/** What it goes through. */
export const THROUGH = {
  none: { meaning: 'nothing is pierced, or it cannot be told' },
  paint: { meaning: 'the paint is broken down to primer or metal' },
  metal: { meaning: 'the sheet metal or plastic is pierced' },
  glass: { meaning: 'the glass is cracked through' },
  fabric: { meaning: 'the fabric or leather is open' },
} as const satisfies Record<string, { readonly meaning: string }>;
export type Through = keyof typeof THROUGH;
