/** What language a text is in, as far as the recogniser knows it. */
export interface Recognised {
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

let loaded: Promise<Recogniser> | undefined;

/**
 * The recogniser. It is read when the first note asks for it, because its lists take 30 MB and a tenth of a second, and most
 * installations never ask for notes.
 */
export function recogniser(): Promise<Recogniser> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Recogniser> {
  const { eld } = await import('eld/extrasmall');
  return {
    languages: new Set(Object.values(eld.info().Languages)),
    recognise: (text) => {
      const found = eld.detect(text);
      return {
        language: found.language !== '' && found.isReliable() ? found.language : null,
        scores: found.getScores(),
      };
    },
  };
}
