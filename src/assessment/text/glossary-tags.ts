import { canonicalTag, scriptOf } from '../languages.js';
import { LANGUAGES } from '../language-list.js';
import type { Glossary } from './glossary.js';

/** Regions whose English is American; every other one reads British. */
const AMERICAN = new Set(['US', 'CA', 'PH']);

/**
 * The glossary that serves a language as a client asked for it: one for each language and script, and for a region only where
 * its words are others and a file is shipped. `no` is `nb`, `zh` is `zh-Hans`, `zh-TW` is `zh-Hant`, `fr-CA` is `fr`.
 * @throws RangeError for what is no supported tag
 */
export function glossaryTagOf(tag: string): string {
  const canonical = canonicalTag(tag);
  const script = scriptOf(tag);
  if (canonical === null || script === null) throw new RangeError('not a supported language');
  const { language, region } = new Intl.Locale(canonical);
  if (language === 'en') return AMERICAN.has(region ?? '') ? 'en-US' : 'en';
  if (language === 'pt') return region === 'BR' ? 'pt-BR' : 'pt';
  const named = language === 'no' ? 'nb' : language;
  return language === 'zh' || script !== LANGUAGES[language]?.[1] ? `${named}-${script}` : named;
}

/**
 * The glossary as it writes for a region: its words, with the region's own grouping of digits. Digits are Latin everywhere, as
 * those of the photos are.
 */
export function forRegion(glossary: Glossary, tag: string): Glossary {
  const canonical = canonicalTag(tag);
  const region = canonical === null ? undefined : new Intl.Locale(canonical).region;
  if (region === undefined) return glossary;
  const own = new Intl.Locale(glossary.locale);
  const locale = new Intl.Locale(glossary.locale, { region, numberingSystem: 'latn' });
  // Said only where the region's digits would be others: `de-CH`, but `ar-EG-u-nu-latn`.
  const plain = new Intl.Locale(own.language, { ...(own.script === undefined ? {} : { script: own.script }), region });
  const latin = new Intl.NumberFormat(plain).resolvedOptions().numberingSystem === 'latn';
  return { ...glossary, locale: (latin ? plain : locale).toString() };
}
