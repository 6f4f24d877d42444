import { canonicalTag } from '../languages.js';
import { GlossaryError, parseGlossary, withLimits, type KnownGlossary } from './glossary-file.js';
import type { Glossary } from './glossary.js';
import { forRegion, glossaryTagOf } from './glossary-tags.js';

/** The language that all others are compared with, and that a text falls back to. */
const ENGLISH = 'en';

/** Tags whose glossary is remembered; clients write the same few. */
const MOST_TAGS = 1000;

/** The glossaries that are shipped, ready to be used. */
export class Glossaries {
  /** Those of regions. Regions that write numbers alike share one, or the auditor's readers would be too many to keep. */
  private readonly regional = new Map<string, KnownGlossary>();

  /** By tag as sent, because what a tag means is looked up for each text. */
  private readonly served = new Map<string, KnownGlossary | null>();

  private constructor(private readonly known: ReadonlyMap<string, KnownGlossary>) {}

  /**
   * @param files - the text of each file, by its name without `.json`
   * @param limits - other words for the sentence on what photos never show, by language tag
   * @throws GlossaryError where one of them cannot be used, RangeError without English
   */
  static read(files: ReadonlyMap<string, string>, limits: ReadonlyMap<string, string> = new Map()): Glossaries {
    const text = files.get(ENGLISH);
    if (text === undefined) throw new RangeError('there is no glossary en.json');
    const english = parseGlossary(text, ENGLISH);
    const others = [...files].filter(([tag]) => tag !== ENGLISH);
    const known = new Map([
      [ENGLISH, english],
      ...others.map(([tag, file]): [string, KnownGlossary] => [tag, parseGlossary(file, tag, english.glossary)]),
    ]);
    for (const [language, sentence] of limits) {
      const tag = canonicalTag(language) === null ? language : glossaryTagOf(language);
      const glossary = known.get(tag);
      if (glossary === undefined) throw new GlossaryError(tag, ['LIMITS_TEXT: there is no glossary of this language']);
      known.set(tag, withLimits(glossary, sentence));
    }
    return new Glossaries(known);
  }

  /** The British one. */
  get english(): KnownGlossary {
    return this.known.get(ENGLISH) as KnownGlossary;
  }

  /**
   * The shipped glossary that serves a language as sent, writing numbers as its region does; null where none is shipped.
   * @throws RangeError for what is no supported tag
   */
  for(tag: string): KnownGlossary | null {
    const served = this.served.get(tag);
    if (served !== undefined) return served;
    const found = this.find(tag);
    if (this.served.size >= MOST_TAGS) this.served.clear();
    this.served.set(tag, found);
    return found;
  }

  private find(tag: string): KnownGlossary | null {
    const known = this.known.get(glossaryTagOf(tag));
    if (known === undefined) return null;
    const glossary = forRegion(known.glossary, tag);
    if (numbersOf(glossary) === numbersOf(known.glossary)) return known;
    const key = `${glossary.tag} ${numbersOf(glossary)}`;
    const regional = this.regional.get(key) ?? { ...known, glossary };
    this.regional.set(key, regional);
    return regional;
  }
}

/** How a glossary groups digits, which is all that its regions differ in: `8,451 84,512`, but `8451 84.512` in Spain. */
export function numbersOf({ locale }: Glossary): string {
  const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  return [8_451, 84_512, 1_234_567].map((value) => format.format(value)).join(' ');
}
