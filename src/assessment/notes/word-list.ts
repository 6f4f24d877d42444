/** Words and beginnings of words that a text must not hold. */
export interface WordList {
  /** The first entry that the text holds, null when it holds none. */
  find(text: string): string | null;
}

/** How a language's words are found in a text. */
export interface Writing {
  /** Whose capitals and small letters: Turkish has two letters i. */
  readonly locale: string;
  /** ISO 15924. */
  readonly script: string;
}

/** An entry of fewer letters is compared with whole words: as a beginning, `no` would find every "notch". */
const FEWEST_LETTERS_OF_A_STEM = 4;

/** Scripts that are written without spaces: a word is found wherever its characters stand. */
export const UNSPACED: ReadonlySet<string> = new Set(['Hans', 'Hant', 'Jpan', 'Thai', 'Laoo', 'Khmr', 'Mymr', 'Tibt']);

/** What may stand before a word as a part of it: "and", "with", "to", "the" and others. */
const ATTACHED: Readonly<Record<string, RegExp>> = {
  Arab: /^(?:[وف]?(?:[بلك]?ال|لل|[بلك])|[وف])(?=.{2})/u,
  Hebr: /^[ובלמשהכ]{1,2}(?=.{2})/u,
};

type Pattern = readonly { readonly text: string; readonly stem: boolean }[];

/**
 * @param entries - stems of four letters and more, shorter whole words, or several words in a row
 * @param as - `words`: every entry stands for itself, however long
 */
export function wordList(entries: readonly string[], writing: Writing, as: 'stems' | 'words' = 'stems'): WordList {
  if (UNSPACED.has(writing.script)) return unspacedList(entries, writing);
  const patterns = new Map<string, { readonly entry: string; readonly pattern: Pattern }[]>();
  for (const entry of entries) {
    const pattern = wordsOf(entry, writing).map((text) => ({
      text,
      stem: as === 'stems' && Array.from(text).length >= FEWEST_LETTERS_OF_A_STEM,
    }));
    const [first] = pattern;
    if (first === undefined) continue;
    const key = firstLetters(first.text);
    patterns.set(key, [...(patterns.get(key) ?? []), { entry, pattern }]);
  }
  return {
    find(text) {
      const words = wordsOf(text, writing).map((word) => formsOf(word, writing));
      for (const at of words.keys()) {
        for (const form of words[at] ?? []) {
          const found = patterns.get(firstLetters(form))?.find(({ pattern }) => standsAt(pattern, words, at));
          if (found !== undefined) return found.entry;
        }
      }
      return null;
    },
  };
}

function unspacedList(entries: readonly string[], writing: Writing): WordList {
  const words = entries.map((entry) => ({ entry, text: lower(entry, writing) })).filter(({ text }) => text !== '');
  return {
    find(text) {
      const all = lower(text, writing);
      return words.find((word) => all.includes(word.text))?.entry ?? null;
    },
  };
}

function standsAt(pattern: Pattern, words: readonly (readonly string[])[], at: number): boolean {
  return pattern.every(({ text, stem }, index) =>
    (words[at + index] ?? []).some((word) => (stem ? word.startsWith(text) : word === text)),
  );
}

/** Two letters find the few entries that may fit, so that a list of hundreds costs no more than one of ten. */
function firstLetters(word: string): string {
  return word.slice(0, 2);
}

function formsOf(word: string, { script }: Writing): readonly string[] {
  const bare = ATTACHED[script] === undefined ? word : word.replace(ATTACHED[script], '');
  return bare === word ? [word] : [word, bare];
}

/** The words of a text in small letters, without the points and marks that Arabic and Hebrew may leave out. */
export function wordsOf(text: string, writing: Writing): readonly string[] {
  return lower(text, writing)
    .split(/[^\p{L}\p{M}\p{Nd}]+/u)
    .filter((word) => word !== '');
}

const POINTS = /[\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u064B-\u0652\u0640]/gu;

/** Letters that are written one way or the other: capitals of ß, Romanian with a cedilla, Russian without its points. */
const SAME_LETTERS: Readonly<Record<string, string>> = { ß: 'ss', ş: 'ș', ţ: 'ț', ё: 'е', '’': "'", ʼ: "'" };

function lower(text: string, { locale }: Writing): string {
  return text
    .normalize('NFKC')
    .toLocaleLowerCase(locale)
    .replaceAll(/[ßşţё’ʼ]/gu, (letter) => SAME_LETTERS[letter] ?? letter)
    .replaceAll(POINTS, '');
}
