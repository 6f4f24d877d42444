import type { LotFlag, PhotoIssue, Reading } from './lot-flags.js';
import type { Damage, Place } from './part-rules.js';
import type { Count, Extent, Through, Zone } from './damage-details.js';
import type { Area, DamageType, Looking, NotDamage, Part, View } from './taxonomy.js';
import type { Body, Colour, DoorCount, InteriorState, ListingMember, TyreState, VehicleKind } from './vehicle.js';

/** A photo of a lot: its position in the client's own list, from 1, and its address there. */
export interface PhotoRef {
  readonly number: number;
  readonly url: string;
}

/** Why a person should look at a row before relying on it. */
export type ReviewReason =
  /** Of the photos that it cites some were never sent. */
  | 'photo_not_sent'
  /** None of its photos lists the part as visible. */
  | 'part_not_visible'
  /** Such damage cannot be on such a part. */
  | 'type_does_not_fit_part'
  /** A front part at the rear, or the other way round. */
  | 'end_contradicts_part'
  /** The side or end is not the one that this view shows. */
  | 'side_contradicts_view'
  /** The viewpoint is not the photo's own view. */
  | 'viewpoint_contradicts_photo'
  /** Rows of the same damage disagreed on its severity. */
  | 'severity_contradiction'
  /** Rows of the same damage disagreed on its side. */
  | 'side_contradiction'
  /** Its text looked like an injected instruction, link or markup and was dropped. */
  | 'suspicious_text'
  /** Its text called something undamaged and was dropped. */
  | 'unsupported_claim'
  /** Its note said what a note may not (a place, a number, a cause, another language …) and was dropped. */
  | 'note_refused';

/** Why a person should look at a lot: what its rows were marked for, and what concerns all of it. */
export type LotReviewReason =
  | ReviewReason
  /** A row was left out because all photos that it cites are unusable. */
  | 'photo_unusable'
  /** The model did not describe every photo that it was sent. */
  | 'photo_not_described'
  /** The photos show more than one vehicle for sale. */
  | 'several_vehicles'
  | 'no_vehicle'
  /** The photos show another make, colour or body than the listing says. */
  | 'listing_mismatch'
  /** A flag was raised without a photo that can show it. */
  | 'flag_not_shown'
  /** A flag was denied that a finding raises. */
  | 'flag_contradicts_finding'
  /** The photos allow no statement on the condition. */
  | 'not_assessable';

/** One damage, on one place, shown by one or more photos. */
export interface Finding extends Damage {
  /** From 1, in the order of the list: the worst first. */
  readonly id: number;
  readonly zone: Zone;
  readonly extent: Extent;
  readonly count: Count;
  readonly through: Through;
  /** The note, where notes are asked for: a sentence by the model, checked; null when there is none or it was dropped. */
  readonly description: string | null;
  readonly photos: readonly PhotoRef[];
  readonly needs_review: boolean;
  readonly review_reasons: readonly ReviewReason[];
}

/** A row of the model's that did not become a finding. */
export interface RejectedRow extends Place {
  readonly type: DamageType;
  readonly reason: 'photo_not_sent' | 'photo_unusable';
}

export interface AssessedPhoto extends PhotoRef {
  readonly view: View;
  /** Of a photo of the interior. */
  readonly looking: Looking;
  /** False: nothing can be judged from it. */
  readonly usable: boolean;
  readonly visible_parts: readonly Part[];
  readonly issues: readonly PhotoIssue[];
}

/**
 * - `damaged`: a finding is there
 * - `no_visible_damage`: a usable photo shows the area and no finding is there; this is not "undamaged"
 * - `uncertain`: shown in part, or only by poor photos
 * - `not_visible`: no usable photo shows it
 */
export type AreaStatus = 'damaged' | 'no_visible_damage' | 'uncertain' | 'not_visible';

export interface AreaCoverage {
  readonly area: Area;
  readonly status: AreaStatus;
  readonly photos: readonly PhotoRef[];
}

/** `null`: cannot be told from these photos. */
export interface FlagResult {
  readonly value: boolean | null;
  readonly photos: readonly PhotoRef[];
}

export interface ReadingResult {
  readonly value: string;
  readonly photo: PhotoRef;
  /** Only for a VIN: does its check digit fit? North American numbers must; European ones need not. */
  readonly check_digit_valid?: boolean;
}

/** Primary and secondary damage in the words that auction users know from Copart; ours, not Copart's judgement. */
export type DamageArea =
  | 'Airbags Deployed'
  | 'Frame Damage'
  | 'Front End'
  | 'Rear End'
  | 'Side'
  | 'Top/Roof'
  | 'Undercarriage'
  | 'All Over'
  | 'Minor Dent/Scratches'
  | 'Normal Wear'
  | 'Hail'
  | 'Water/Flood'
  | 'Burn'
  | 'Stripped';

/** Nothing visible (A) to a wreck (E), by fixed points; no inspector's grade (NAAA, NAMA, AutoGrade). */
export type ConditionBand = 'A' | 'B' | 'C' | 'D' | 'E';

/** Which words a text was written with, and how far they have been looked at. */
export interface GlossaryStanding {
  readonly version: string;
  readonly state: 'machine' | 'checked' | 'reviewed';
}

/** What a client gets with `include: ["assessment"]`: stable, snake_case, arrays present when empty. */
export interface Assessment {
  /** The model that answered, as it named itself. */
  readonly model: string;
  readonly prompt_version: string;
  readonly schema_version: string;
  /** True: a sandbox made the rows up, and each text says so. */
  readonly simulated: boolean;
  /** What the texts were written with, by language as the client sent it; those written in English for want of it have none. */
  readonly glossary: Readonly<Record<string, GlossaryStanding>>;
  /** False: the photos allow no statement on the vehicle's condition. */
  readonly assessable: boolean;
  readonly photos: readonly AssessedPhoto[];
  readonly findings: readonly Finding[];
  readonly rejected: readonly RejectedRow[];
  readonly coverage: {
    /** Share of the eight areas that are shown, 0 to 1; an uncertain one counts half. */
    readonly score: number;
    readonly areas: readonly AreaCoverage[];
  };
  /** The areas of status `not_visible`. */
  readonly not_visible: readonly Area[];
  /** What looks like damage and was judged not to be. */
  readonly ignored: readonly { readonly kind: NotDamage; readonly photo: PhotoRef }[];
  readonly flags: Readonly<Record<LotFlag, FlagResult>>;
  /** The vehicle as the photos show it, by the closed lists; never from the listing. */
  readonly vehicle: {
    readonly kind: VehicleKind;
    /** How many vehicles the photos are about; more than one asks for a review. */
    readonly count: number;
    readonly body: Body;
    readonly colour: Colour;
    readonly doors: DoorCount;
    readonly photos: readonly PhotoRef[];
  };
  readonly interior: { readonly state: InteriorState; readonly photos: readonly PhotoRef[] };
  readonly tyres: { readonly state: TyreState; readonly photos: readonly PhotoRef[] };
  /** What the photos show otherwise than the listing says. */
  readonly listing_mismatch: readonly ListingMember[];
  /** A row that no usable photo bears out spoke of a damage that matters: the text says that it could not be confirmed. */
  readonly unconfirmed: boolean;
  readonly readings: Readonly<Record<Reading, ReadingResult | null>>;
  /** Always empty: what no row can say is not said. Kept for clients that read it. */
  readonly remarks: readonly { readonly text: string; readonly photo: PhotoRef }[];
  readonly damage_areas: { readonly primary: DamageArea | null; readonly secondary: DamageArea | null };
  /** Null when less than half of the areas are shown, unless what is shown is a wreck: no photo, no praise. */
  readonly condition_band: ConditionBand | null;
  readonly needs_review: boolean;
  /** Each once; empty where no review is asked for. */
  readonly review_reasons: readonly LotReviewReason[];
}
