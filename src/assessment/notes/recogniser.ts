/** What language a text is in, as far as the recogniser knows it. */
interface Recognised {
  /** ISO 639-1; null where the text is too short to tell. */
  readonly language: string | null;
  /** Of each language that it may be, from 0 to 1. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Tells the language of a text. */
export interface Recogniser {
  readonly recognise: (text: string) => Recognised;
  /** The languages that it can tell apart. */
  readonly languages: ReadonlySet<string>;
}
