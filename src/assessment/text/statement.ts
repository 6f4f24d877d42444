import type { Extent, Through, Zone } from '../damage-details.js';
import type { LotFlag, PhotoIssue } from '../lot-flags.js';
import type { Area, DamageType, End, Part, Severity, Side } from '../taxonomy.js';
import type { Body, Colour, DoorCount, InteriorState, TyreState, VehicleKind } from '../vehicle.js';

/**
 * What a text says, one fact each. Rows become statements (`statements-of.ts`), statements become text (`render.ts`), and the
 * auditor (`audit/`) reads the text back into statements: both must be equal. Photo numbers are those of the client's list,
 * ascending, each once.
 */
export type Statement =
  | VehicleStatement
  | ReadingStatement
  | InteriorStatement
  | TyresStatement
  | FlagStatement
  | DamageStatement
  | UnconfirmedStatement
  | NothingVisibleStatement
  | AreasStatement
  | NotAssessableStatement
  | FixedStatement;

/** The vehicle as the photos show it; null where it is not known. */
export interface VehicleStatement {
  readonly kind: 'vehicle';
  /** `car` is written only where no body is known. */
  readonly vehicle: Exclude<VehicleKind, 'none' | 'other'> | null;
  readonly body: Exclude<Body, 'unknown'> | null;
  readonly colour: Exclude<Colour, 'unknown'> | null;
  readonly doors: Exclude<DoorCount, 'unknown'> | null;
}

export interface ReadingStatement {
  readonly kind: 'odometer';
  /** Whole units, as the display shows them. */
  readonly value: number;
  /** null: the display names none. */
  readonly unit: 'km' | 'mi' | null;
}

interface InteriorStatement {
  readonly kind: 'interior';
  readonly state: Exclude<InteriorState, 'unknown'>;
  readonly photos: readonly number[];
}

interface TyresStatement {
  readonly kind: 'tyres';
  readonly state: Exclude<TyreState, 'unknown'>;
  readonly photos: readonly number[];
}

/** A flag that is raised; what is denied or unknown is not written. */
interface FlagStatement {
  readonly kind: 'flag';
  readonly flag: LotFlag;
  readonly photos: readonly number[];
}

/** One damage, or several equal ones. */
export interface DamageStatement {
  readonly kind: 'damage';
  readonly part: Part;
  readonly side: Side;
  readonly end: End;
  readonly type: DamageType;
  /** Null for a type that has no degrees. */
  readonly severity: Severity | null;
  readonly zone: Exclude<Zone, 'unknown'> | null;
  readonly extent: Exclude<Extent, 'unknown'> | null;
  /** How many: exactly (1 is not written), or as a row says it. */
  readonly count: number | 'few' | 'many';
  readonly through: Exclude<Through, 'none'> | null;
  /** A row of low confidence. */
  readonly possible: boolean;
  /** Empty where the model cited none that was sent; for review, and written all the same. */
  readonly photos: readonly number[];
}

/** "A further damage is possible and could not be confirmed." Said once, however many rows it stands for. */
interface UnconfirmedStatement {
  readonly kind: 'unconfirmed';
}

/** No damage is visible in what the photos show. Never beside a flag, a damage or an unconfirmed one. */
interface NothingVisibleStatement {
  readonly kind: 'nothing_visible';
  /** What they show, in the taxonomy's order; empty: details only. */
  readonly areas: readonly Area[];
}

/** Areas that the photos show in part, or not at all; an area stands in one list only. */
interface AreasStatement {
  readonly kind: 'partly_visible' | 'not_visible';
  readonly areas: readonly Area[];
}

/** The condition cannot be assessed, and why. */
interface NotAssessableStatement {
  readonly kind: 'not_assessable';
  /** In the order of PHOTO_ISSUES; empty: the photos show nothing that could be judged. */
  readonly reasons: readonly PhotoIssue[];
}

/** Sentences without anything to fill in: what photos never show, and that a sandbox made the findings up. */
interface FixedStatement {
  readonly kind: 'limits' | 'simulated';
}
