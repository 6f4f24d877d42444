import { LANGUAGES, MEANT, REGIONS, SCRIPTS } from './language-list.js';

/** A language as a client asked for it. */
interface Language {
  /** As sent; answers carry it unchanged. */
  readonly tag: string;
  /** Canonical BCP 47: `pt-BR`, `zh-Hant`; two tags of the same language have the same. */
  readonly canonical: string;
}

interface UnsupportedLanguage {
  readonly tag: string;
  /** The supported tag that was probably meant; null when nothing is near. */
  readonly suggestion: string | null;
}

/** What is wrong with the languages of a request; only the first kind of problem is told. */
type LanguageProblem =
  | { readonly problem: 'empty' }
  | { readonly problem: 'too_many'; readonly max: number; readonly provided: number }
  | { readonly problem: 'repeated'; readonly repeated: readonly string[] }
  | { readonly problem: 'unsupported'; readonly unsupported: readonly UnsupportedLanguage[] };

export type LanguageCheck =
  { readonly ok: true; readonly languages: readonly Language[] } | ({ readonly ok: false } & LanguageProblem);

/**
 * Checks the languages that a request names: at least one, at most `max`, none twice (compared in canonical form, so
 * `pt-br` repeats `pt-BR` and `iw` repeats `he`), all of the closed list.
 */
export function checkLanguages(tags: readonly string[], max: number): LanguageCheck {
  if (tags.length === 0) {
    return { ok: false, problem: 'empty' };
  }
  if (tags.length > max) {
    return { ok: false, problem: 'too_many', max, provided: tags.length };
  }
  const seen = new Set<string>();
  const repeated: string[] = [];
  const unsupported: UnsupportedLanguage[] = [];
  const languages: Language[] = [];
  for (const tag of tags) {
    const canonical = canonicalTag(tag);
    const key = canonical ?? tag.toLowerCase();
    if (seen.has(key)) {
      repeated.push(tag);
    }
    seen.add(key);
    if (canonical === null) {
      unsupported.push({ tag, suggestion: nearestTag(tag) });
    } else {
      languages.push({ tag, canonical });
    }
  }
  if (repeated.length > 0) {
    return { ok: false, problem: 'repeated', repeated };
  }
  return unsupported.length > 0 ? { ok: false, problem: 'unsupported', unsupported } : { ok: true, languages };
}

interface Subtags {
  readonly language: string;
  readonly script: string | undefined;
  readonly region: string | undefined;
}

/**
 * The canonical form of a supported tag, else null. Language, script and region only: variants and extensions change
 * nothing that a translator could act on.
 */
export function canonicalTag(tag: string): string | null {
  const subtags = subtagsOf(tag);
  return subtags === null ? null : [subtags.language, subtags.script, subtags.region].filter(Boolean).join('-');
}

function subtagsOf(tag: string): Subtags | null {
  let canonical: string | undefined;
  try {
    // Knows the registry's aliases: iw → he, tl → fil, cmn → zh.
    [canonical] = Intl.getCanonicalLocales(tag);
  } catch {
    return null;
  }
  const match = /^([a-z]{2,3})(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}|\d{3}))?$/.exec(canonical ?? '');
  const [, language = '', script, region] = match ?? [];
  const known = Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined;
  if (known === undefined || (script !== undefined && !known.slice(1).includes(script))) {
    return null;
  }
  return region !== undefined && !REGIONS.has(region) ? null : { language, script, region };
}

/** English in any of its forms, so that the English text serves. False for what is no supported tag. */
export function isEnglish(tag: string): boolean {
  return subtagsOf(tag)?.language === 'en';
}

const TRADITIONAL_HAN_REGIONS = new Set(['TW', 'HK', 'MO']);

/** The script (ISO 15924) that a text in this language is written in; null for what is no supported tag. */
export function scriptOf(tag: string): string | null {
  const subtags = subtagsOf(tag);
  if (subtags === null) {
    return null;
  }
  const { language, script, region } = subtags;
  if (script === undefined && language === 'zh' && TRADITIONAL_HAN_REGIONS.has(region ?? '')) {
    return 'Hant';
  }
  return script ?? LANGUAGES[language]?.[1] ?? null;
}

const regionNames = new Intl.DisplayNames(['en'], { type: 'region' });

/**
 * The language's English name for the translator: `Portuguese (Brazil)`, `Serbian (Latin script)`.
 * @throws RangeError for what is no supported tag
 */
export function languageName(tag: string): string {
  const subtags = subtagsOf(tag);
  const [name, usual] = subtags === null ? [] : (LANGUAGES[subtags.language] ?? []);
  if (subtags === null || name === undefined) {
    throw new RangeError('not a supported language');
  }
  const script = scriptOf(tag);
  const notes = [
    ...(subtags.region === undefined ? [] : [regionNames.of(subtags.region) ?? subtags.region]),
    ...(script === usual && subtags.language !== 'zh' && subtags.script === undefined
      ? []
      : [`${SCRIPTS[script ?? '']?.name ?? script} script`]),
  ];
  return notes.length === 0 ? name : `${name} (${notes.join(', ')})`;
}

const MOST_EDITS = 2;
const MOST_TAG_CHARACTERS = 40;

/** The supported tag nearest to one that is not; null when nothing is near. */
export function nearestTag(tag: string): string | null {
  const wanted = tag.trim().toLowerCase().replaceAll('_', '-');
  if (wanted === '' || wanted.length > MOST_TAG_CHARACTERS) {
    return null;
  }
  const direct = canonicalTag(wanted) ?? (Object.hasOwn(MEANT, wanted) ? MEANT[wanted] : undefined);
  if (direct !== undefined) {
    return direct;
  }
  const names = Object.entries(LANGUAGES);
  const named = names.find(([, [name]]) => name.toLowerCase() === wanted);
  if (named !== undefined) {
    return named[0];
  }
  const [first = ''] = wanted.split(/[-. ;(]/);
  if (first !== wanted && first !== '') {
    const shorter = nearestTag(first);
    if (shorter !== null) {
      return shorter;
    }
  }
  if (wanted.length < 4) {
    return null;
  }
  const distances = names
    .map(([code, [name]]) => ({ code, distance: editDistance(wanted, name.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [best] = distances;
  return best !== undefined && best.distance <= MOST_EDITS ? best.code : null;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
