import { createHash } from 'node:crypto';
import { WRITTEN_PLACES } from './glossary-checks.js';
import { ENTRY_RULES, NOTE_WORDS, valueAt } from './glossary-entries.js';
import type { Glossary } from './glossary.js';
import { placeText } from './place.js';

/** One text of a glossary that the model is asked for. */
export interface AskedText {
  /** Where it stands in a glossary. */
  readonly path: readonly string[];
  /** Where it stands in request and answer; a place's key has marks that no member of a schema should have. */
  readonly answerPath: readonly string[];
  /** Whether it is a list of stems. */
  readonly list: boolean;
  /** Punctuation keeps its spaces. */
  readonly mark: boolean;
  english(english: Glossary): unknown;
}

/** Everything that a glossary made by the model holds. The patterns of places are not among it: every place is written whole. */
const EVERY_TEXT: readonly AskedText[] = [
  ...ENTRY_RULES.filter(({ path }) => path[0] !== 'place').map((rule): AskedText => {
    const answerPath = rule.path[0] === 'parts' ? rule.path.slice(0, 2) : rule.path;
    const english = (glossary: Glossary) => valueAt(glossary, rule.path);
    return { path: rule.path, answerPath, list: false, mark: rule.kind === 'mark', english };
  }),
  ...[...WRITTEN_PLACES].map(([key, place]): AskedText => ({
    path: ['places', key],
    answerPath: ['places', key.replaceAll('|', '__').replaceAll('/', '')],
    list: false,
    mark: false,
    english: (glossary) => placeText(place, glossary),
  })),
  ...NOTE_WORDS.map((name): AskedText => {
    const path = ['note_words', name];
    return { path, answerPath: path, list: true, mark: false, english: (glossary) => valueAt(glossary, path) };
  }),
];

/** Names the closed lists: a glossary made for others lacks words, or holds some that nothing says any more. */
export const TAXONOMY: string = createHash('sha256')
  .update(EVERY_TEXT.map(({ path }) => path.join('.')).join('\n'))
  .digest('hex')
  .slice(0, 12);

/** What is asked for: everything, or what an older glossary lacks. */
export function askedOf(older?: unknown): readonly AskedText[] {
  return older === undefined ? EVERY_TEXT : EVERY_TEXT.filter(({ path, list }) => !holds(valueAt(older, path), list));
}

/** All texts of a glossary that is wanted now. */
export function everyText(): readonly AskedText[] {
  return EVERY_TEXT;
}

function holds(value: unknown, list: boolean): boolean {
  return list ? Array.isArray(value) : typeof value === 'string';
}
