import type { Count, Extent, Through, Zone } from '../damage-details.js';
import type { LotFlag, PhotoIssue } from '../lot-flags.js';
import type { Area, DamageType, Part, Severity } from '../taxonomy.js';
import type { Body, Colour, DoorCount, InteriorState, TyreState, VehicleKind } from '../vehicle.js';

/** How far a glossary has been looked at; none calls itself more than it is. */
export type GlossaryState = 'machine' | 'checked' | 'reviewed';

/**
 * A word that changes with the noun it belongs to: one form for all, or one for each class that the language has.
 * Classes are named by the glossary itself (`m`, `f`, `n`, `pl` …).
 */
export type Forms = string | Readonly<Record<string, string>>;

/** A noun in the nominative, as it stands inside a sentence, and its class, where sides and ends agree with it. */
interface Noun {
  readonly name: string;
  readonly class?: string;
}

/**
 * All words and patterns of one language: what stands in `glossaries/<tag>.json`, and what the translation model is asked for
 * where no file is shipped. Texts are put together from it by code, and read back with it by the auditor. Patterns hold
 * `{names}` that are filled in; everything else in them stands as it is.
 */
export interface Glossary {
  /** BCP 47: language, script where it has several, region only where the file is for one. */
  readonly tag: string;
  readonly direction: 'ltr' | 'rtl';
  /** The locale whose digits, number and list formats Intl writes; `ar` writes with Latin digits. */
  readonly locale: string;

  readonly parts: Readonly<Record<Part, Noun>>;
  /** Of parts that there are two of, one on each side: `left door`. */
  readonly side: { readonly left: Forms; readonly right: Forms };
  /** Of wide parts, which have a left half, a right half and a middle: `bumper, left side`; `unknown` of all parts. */
  readonly wide: {
    readonly left: string;
    readonly right: string;
    readonly center: string;
    readonly unknown: string;
  };
  readonly end: { readonly front: Forms; readonly rear: Forms };
  /** How a place is put together, by what is known of it; `{side}` is one of `side`, in the last two one of `wide`. */
  readonly place: {
    readonly part: string;
    readonly part_side: string;
    readonly part_end: string;
    readonly part_end_side: string;
    readonly wide_side: string;
    readonly wide_end_side: string;
  };
  /** Whole places that composing would get wrong, or all of them (machine-made glossaries); key: `part|end|side`. */
  readonly places: Readonly<Record<string, string>>;

  readonly types: Readonly<Record<DamageType, string>>;
  readonly severities: Readonly<Record<Severity, string>>;
  readonly zones: Readonly<Record<Exclude<Zone, 'unknown'>, string>>;
  readonly extents: Readonly<Record<Exclude<Extent, 'unknown'>, string>>;
  readonly through: Readonly<Record<Exclude<Through, 'none'>, string>>;
  readonly counts: Readonly<Record<Exclude<Count, 'one'>, string>> & {
    /** Holds `{n}`, and governs no noun: `{n}×`. */
    readonly exact: string;
  };
  /** Before a damage type, whatever its gender: "possible", "возможно:". Holds `{type}`. */
  readonly possible: string;

  readonly item: {
    /** `{place}` and `{damages}`: one part with all its damages. */
    readonly by_part: string;
    /** `{damage}` and `{places}`: one damage with all the parts that have it. */
    readonly by_damage: string;
    /** `{type}` and `{severity}`. */
    readonly damage: string;
    /** Added to a damage: `{damage}` and `{details}`, which are zone, extent and through. */
    readonly details: string;
    /** Added to a type, or to a place in `by_damage`: `{text}` and `{count}`. */
    readonly count: string;
    /** Added to whatever photos show: `{text}` and `{photos}`. */
    readonly photos: string;
    /** Between damages of a part, or places of a damage. */
    readonly between: string;
    /** Between details. */
    readonly between_details: string;
  };
  /** `{n}`: one photo; `{list}`: several, as numbers with `separator`, runs of three and more with `range` (`{from}`, `{to}`). */
  readonly photos: {
    readonly one: string;
    readonly many: string;
    readonly separator: string;
    readonly range: string;
  };

  readonly vehicle: {
    readonly kinds: Readonly<Record<Exclude<VehicleKind, 'none' | 'other'>, string>>;
    readonly bodies: Readonly<Record<Exclude<Body, 'unknown'>, string>>;
    readonly colours: Readonly<Record<Exclude<Colour, 'unknown'>, string>>;
    readonly doors: Readonly<Record<Exclude<DoorCount, 'unknown'>, string>>;
    /** By what is known; `{body}` is a kind where the body is not known. */
    readonly line: {
      readonly body: string;
      readonly colour: string;
      readonly doors: string;
      readonly body_colour: string;
      readonly body_doors: string;
      readonly colour_doors: string;
      readonly body_colour_doors: string;
    };
    /** `{value}` as Intl writes it; `odometer` where the display names no unit. */
    readonly km: string;
    readonly mi: string;
    readonly odometer: string;
    readonly between: string;
    readonly interior: Readonly<Record<Exclude<InteriorState, 'unknown'>, string>>;
    readonly tyres: Readonly<Record<Exclude<TyreState, 'unknown'>, string>>;
  };

  /** As an item of its own, without a full stop. */
  readonly flags: Readonly<Record<LotFlag, string>>;
  readonly areas: Readonly<Record<Area, string>>;
  readonly issues: Readonly<Record<PhotoIssue, string>>;
  /** Between areas, or reasons, in a list. */
  readonly list_separator: string;
  /** After a sentence; empty where the language has none. */
  readonly full_stop: string;
  readonly sentences: {
    /** `{areas}`. Says that no damage is visible in what is shown; never that there is none. */
    readonly nothing_visible: string;
    /** The same where only details are shown. */
    readonly nothing_visible_details: string;
    readonly unconfirmed: string;
    /** `{areas}`. */
    readonly partly_visible: string;
    readonly not_visible: string;
    /** `{reasons}`. */
    readonly not_assessable: string;
    readonly not_assessable_unknown: string;
    readonly limits: string;
    readonly simulated: string;
    /** Before a note, which a model wrote; only with `include: ["notes"]`. `{note}`. */
    readonly note: string;
  };
  /**
   * For the check of notes: stems that a translated note may not hold, whatever its capitals. A stem of four letters and more is
   * compared with the beginnings of words; a shorter one with whole words, or `no` would refuse every "notch".
   */
  readonly note_words: {
    readonly sides: readonly string[];
    readonly ends: readonly string[];
    readonly negations: readonly string[];
    readonly forbidden: readonly string[];
  };
}
