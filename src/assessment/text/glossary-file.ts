import { createHash } from 'node:crypto';
import { glossaryProblems } from './glossary-checks.js';
import { isRecord } from './glossary-entries.js';
import type { Glossary, GlossaryState } from './glossary.js';

/** A glossary that may be used, and what is known of it. */
export interface KnownGlossary {
  readonly glossary: Glossary;
  /** Fingerprint of its words: the same words have the same version, whoever has looked at them. */
  readonly version: string;
  readonly state: GlossaryState;
  /** The names of entries that read as in English and are right. */
  readonly asInEnglish: readonly string[];
}

/**
 * What a file says about itself, in its member `standing`. `checked` and `reviewed` name the fingerprint of what was looked at:
 * an edit has another, and the glossary is `machine` again until somebody has looked at the edit too.
 */
type Standing =
  | { readonly state: 'machine' }
  | { readonly state: 'checked'; readonly fingerprint: string }
  | { readonly state: 'reviewed'; readonly by: string; readonly on: string; readonly fingerprint: string };

/** A glossary that cannot be used; the message names the file's language and every problem. */
export class GlossaryError extends Error {
  override readonly name = 'GlossaryError';

  constructor(
    tag: string,
    readonly problems: readonly string[],
  ) {
    super(`the glossary ${tag} cannot be used: ${problems.join('; ')}`);
  }
}

/**
 * Reads a file of `glossaries/`.
 * @param tag - the file's name, which its own tag must be
 * @param english - the English glossary, to see what was left in English; none for English itself
 * @throws GlossaryError for what is no JSON, or does not pass the checks
 */
export function parseGlossary(text: string, tag: string, english?: Glossary): KnownGlossary {
  const { words, standing, asInEnglish } = membersOf(text, tag);
  const problems = [
    ...(words.tag === tag ? [] : [`tag: is not ${tag}, as the file is named`]),
    ...standingProblems(standing),
    ...glossaryProblems(words, { ...(english === undefined ? {} : { english }), asInEnglish }),
  ];
  if (problems.length > 0) throw new GlossaryError(tag, problems);
  const version = fingerprintOf(words);
  const state = stateOf(standing as Standing, version);
  return { glossary: words as unknown as Glossary, version, state, asInEnglish };
}

/**
 * The same glossary with another sentence on what photos never show. It has a version of its own, for its texts are others; its state
 * is that of all the words that were looked at.
 * @throws GlossaryError for a sentence that does not pass the checks
 */
export function withLimits(known: KnownGlossary, sentence: string): KnownGlossary {
  const { glossary } = known;
  // The full stop is the glossary's; people write it all the same.
  const limits =
    glossary.full_stop !== '' && sentence.endsWith(glossary.full_stop)
      ? sentence.slice(0, -glossary.full_stop.length)
      : sentence;
  const changed: Glossary = { ...glossary, sentences: { ...glossary.sentences, limits } };
  const problems = glossaryProblems(changed).map((problem) => `LIMITS_TEXT: ${problem}`);
  if (problems.length > 0) throw new GlossaryError(glossary.tag, problems);
  return { ...known, glossary: changed, version: fingerprintOf(changed) };
}

/** A glossary as a file that `parseGlossary` reads; without its standing, which is of the file and not of the words. */
export function fileOf({ glossary, asInEnglish }: KnownGlossary): string {
  return JSON.stringify({ ...glossary, ...(asInEnglish.length === 0 ? {} : { as_in_english: asInEnglish }) });
}

/** The first 12 hex digits of the SHA-256 of a glossary's words, whatever the order and the spaces they are written in. */
export function fingerprintOf(words: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(words)))
    .digest('hex')
    .slice(0, 12);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

interface Members {
  readonly words: Readonly<Record<string, unknown>>;
  readonly standing: unknown;
  readonly asInEnglish: readonly string[];
}

function membersOf(text: string, tag: string): Members {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new GlossaryError(tag, ['the file is no JSON']);
  }
  if (!isRecord(file)) throw new GlossaryError(tag, ['the file is no object']);
  const { standing = { state: 'machine' }, as_in_english: asInEnglish = [], ...words } = file;
  if (!Array.isArray(asInEnglish) || !asInEnglish.every((name) => typeof name === 'string')) {
    throw new GlossaryError(tag, ['as_in_english: is no list of names']);
  }
  return { words, standing, asInEnglish };
}

function standingProblems(standing: unknown): string[] {
  if (!isRecord(standing)) return ['standing: is no object'];
  const { state, by, on, fingerprint } = standing;
  if (state === 'machine') return [];
  if (state !== 'checked' && state !== 'reviewed') return ['standing.state: is none of machine, checked, reviewed'];
  return [
    ...(typeof fingerprint === 'string' && /^[0-9a-f]{12}$/.test(fingerprint)
      ? []
      : ['standing.fingerprint: is not that of the words that were looked at']),
    ...(state === 'checked' || (typeof by === 'string' && by.trim() !== '') ? [] : ['standing.by: names nobody']),
    ...(state === 'checked' || (typeof on === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(on))
      ? []
      : ['standing.on: is no date (2026-01-31)']),
  ];
}

function stateOf(standing: Standing, version: string): GlossaryState {
  return standing.state !== 'machine' && standing.fingerprint === version ? standing.state : 'machine';
}
