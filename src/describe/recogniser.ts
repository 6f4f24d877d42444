import type { Recogniser } from '../assessment/notes/recogniser.js';

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
