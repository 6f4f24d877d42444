/** One damage of a scene; what is left out is not known, or means nothing. */
export interface SceneRow {
  /** Views that show it, the clearest first; a number is a photo's number whatever it shows. */
  readonly seen: readonly (string | number)[];
  readonly viewpoint?: string;
  readonly in_picture?: string;
  readonly nearness?: string;
  readonly part: string;
  readonly side?: string;
  readonly end?: string;
  readonly type: string;
  readonly zone?: string;
  readonly extent?: string;
  readonly count?: string;
  readonly through?: string;
  readonly severity?: string;
  readonly confidence?: string;
  /** In place of what the simulation says of such a damage. */
  readonly note?: string;
}

/** What the model is made to say of a lot, whatever its photos show. */
export interface Scene {
  /** The views that its photos are called, in turn; a lot with fewer photos has the first of them. */
  readonly views: readonly string[];
  readonly vehicle?: Readonly<Record<string, string | number>>;
  /** Issues of every photo. */
  readonly issues?: readonly string[];
  readonly also?: Readonly<Record<string, readonly string[]>>;
  readonly hidden?: Readonly<Record<string, readonly string[]>>;
  readonly looking?: string;
  readonly interior?: string;
  readonly tyres?: string;
  readonly mismatch?: readonly string[];
  readonly ignored?: readonly { readonly view: string; readonly kind: string }[];
  readonly findings?: readonly SceneRow[];
  readonly flags?: Readonly<Record<string, readonly (string | number)[]>>;
  readonly unclear?: readonly string[];
  readonly not_visible?: readonly string[];
  readonly readings?: readonly { readonly kind: string; readonly value: string; readonly view: string }[];
  /** Photos numbered from this on instead of from 1; null: no photo is described. */
  readonly firstNumber?: number | null;
  /** As the schema before this one had it, with these texts. */
  readonly old?: { readonly description: string; readonly remark: string };
}

export const ALL_ROUND = ['front_left', 'rear_right', 'left', 'right', 'front', 'rear', 'interior', 'engine_bay'];
