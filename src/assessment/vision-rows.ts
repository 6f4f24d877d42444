import type { Count, Extent, Through, Zone } from './damage-details.js';
import type { LotFlag, PhotoIssue, Reading } from './lot-flags.js';
import type { Damage } from './part-rules.js';
import type { Area, Looking, Nearness, NotDamage, Part, PicturePosition, View } from './taxonomy.js';
import type { Body, Colour, DoorCount, InteriorState, ListingMember, TyreState, VehicleKind } from './vehicle.js';

/**
 * What the model said, whichever schema it was asked by: what it leaves out by exception is filled in. Photo numbers are those of the
 * request, from 1, as the model wrote them.
 */
export interface VisionRows {
  readonly vehicle: {
    readonly kind: VehicleKind;
    readonly count: number;
    readonly body: Body;
    readonly colour: Colour;
    readonly doors: DoorCount;
    readonly photos: readonly number[];
  };
  readonly photos: readonly PhotoRow[];
  readonly interior: { readonly state: InteriorState; readonly photos: readonly number[] };
  readonly tyres: { readonly state: TyreState; readonly photos: readonly number[] };
  readonly listing_mismatch: readonly ListingMember[];
  readonly ignored: readonly { readonly photo: number; readonly kind: NotDamage }[];
  readonly findings: readonly FindingRow[];
  readonly flags: Readonly<Record<LotFlag, { readonly value: FlagAnswer; readonly photos: readonly number[] }>>;
  readonly not_visible: readonly Area[];
  readonly readings: readonly { readonly kind: Reading; readonly value: string; readonly photo: number }[];
}

export type FlagAnswer = 'yes' | 'no' | 'unknown';

export interface PhotoRow {
  readonly number: number;
  readonly view: View;
  readonly looking: Looking;
  readonly visible_parts: readonly Part[];
  readonly issues: readonly PhotoIssue[];
}

/** One damage as the model reports it. `viewpoint`, `in_picture` and `nearness` are those of the first cited photo. */
export interface FindingRow extends Damage {
  readonly photos: readonly number[];
  readonly viewpoint: View;
  readonly in_picture: PicturePosition;
  readonly nearness: Nearness;
  readonly zone: Zone;
  readonly extent: Extent;
  readonly count: Count;
  readonly through: Through;
  /** What no list says, in one sentence; null where no notes were asked for. */
  readonly note: string | null;
}
