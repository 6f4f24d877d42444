import { parseGlossary, type KnownGlossary } from './glossary-file.js';
import { forRegion, glossaryTagOf } from './glossary-tags.js';

/** The language that all others are compared with, and that a text falls back to. */
const ENGLISH = 'en';

/** The glossaries that are shipped, ready to be used. */
export class Glossaries {
  private constructor(private readonly known: ReadonlyMap<string, KnownGlossary>) {}

  /**
   * @param files - the text of each file, by its name without `.json`
   * @throws GlossaryError where one of them cannot be used, RangeError without English
   */
  static read(files: ReadonlyMap<string, string>): Glossaries {
    const text = files.get(ENGLISH);
    if (text === undefined) throw new RangeError('there is no glossary en.json');
    const english = parseGlossary(text, ENGLISH);
    const others = [...files].filter(([tag]) => tag !== ENGLISH);
    return new Glossaries(
      new Map([
        [ENGLISH, english],
        ...others.map(([tag, file]): [string, KnownGlossary] => [tag, parseGlossary(file, tag, english.glossary)]),
      ]),
    );
  }

  get tags(): readonly string[] {
    return [...this.known.keys()];
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
    const known = this.known.get(glossaryTagOf(tag));
    return known === undefined ? null : { ...known, glossary: forRegion(known.glossary, tag) };
  }
}
