/** What the photos show of the vehicle itself: closed lists, never taken from the listing. `unknown` is never written out. */

/** `none`: no photo shows a vehicle. `other`: one of another kind, or no photo is named that shows which. */
export const VEHICLE_KINDS = ['car', 'van', 'truck', 'motorcycle', 'other', 'none'] as const;
export type VehicleKind = (typeof VEHICLE_KINDS)[number];

export const BODIES = [
  'saloon',
  'estate',
  'hatchback',
  'coupe',
  'convertible',
  'suv',
  'mpv',
  'pickup',
  'panel_van',
  'minibus',
  'box_body',
  'flatbed',
  'tractor_unit',
  'unknown',
] as const;
export type Body = (typeof BODIES)[number];

export const COLOURS = [
  'white',
  'silver',
  'grey',
  'black',
  'blue',
  'red',
  'green',
  'brown',
  'beige',
  'yellow',
  'orange',
  'gold',
  'purple',
  'unknown',
] as const;
export type Colour = (typeof COLOURS)[number];

export const DOOR_COUNTS = ['two', 'three', 'four', 'five', 'unknown'] as const;
export type DoorCount = (typeof DOOR_COUNTS)[number];

/** The interior as the photos show it. No value praises it: `light_wear` is the best that can be said. */
export const INTERIOR_STATES = ['light_wear', 'marked_wear', 'soiled', 'stripped', 'unknown'] as const;
export type InteriorState = (typeof INTERIOR_STATES)[number];

/** The tyres' tread as the photos show it. */
export const TYRE_STATES = ['tread_visible', 'tread_low', 'unknown'] as const;
export type TyreState = (typeof TYRE_STATES)[number];

/** What of a listing photos can contradict. */
export const LISTING_MEMBERS = ['make', 'colour', 'body'] as const;
export type ListingMember = (typeof LISTING_MEMBERS)[number];
