import { Injectable } from '@nestjs/common';
import type { Words } from '../assessment/published-text.js';
import { TAXONOMY } from '../assessment/text/glossary-asked.js';
import type { KnownGlossary } from '../assessment/text/glossary-file.js';
import { glossaryTagOf } from '../assessment/text/glossary-tags.js';
import { ModelSettings } from '../describe/model-settings.js';
import type { GlossaryVersions } from '../jobs/job-glossary-store.js';
import { GlossaryMakingStore, type Recipe } from './glossary-making-store.js';
import { KnownClientWords, type KeptWords } from './known-client-words.js';
import { KnownGlossaries } from './known-glossaries.js';
import type { GlossaryProgress } from './making-rules.js';

/** English is always there: it stands in for any other language. */
const ENGLISH = 'en';

/** The glossaries that texts are written with today: shipped ones, and those that a model has made. Asks no model. */
@Injectable()
export class CurrentGlossaries {
  constructor(
    private readonly known: KnownGlossaries,
    private readonly clientWords: KnownClientWords,
    private readonly makings: GlossaryMakingStore,
    private readonly settings: ModelSettings,
  ) {}

  /** What glossaries are made from and by now. */
  get recipe(): Recipe {
    const { model, prompt } = this.settings.glossary;
    return { taxonomy: TAXONOMY, prompt: prompt.version, model };
  }

  /**
   * The version of each of these languages that has words now, and of English.
   * @param words - a client's own, which stand in for some of them
   */
  async versionsOf(languages: readonly string[], words: KeptWords | null): Promise<GlossaryVersions> {
    const all = withEnglish(languages);
    const progress = this.known.unshipped(all).length > 0 ? await this.progress() : null;
    await Promise.all(all.map((language) => this.known.store(language)));
    const versions = await Promise.all(
      all.map(async (language) => {
        const version = this.current(language, progress);
        const laid = version === null || words === null ? version : this.known.withWords(language, version, words);
        return [language, await laid] as const;
      }),
    );
    return Object.fromEntries(versions.filter((pair): pair is [string, string] => pair[1] !== null));
  }

  /** The words of these languages that there are now, with the client's own that a job began with. */
  async wordsOf(languages: readonly string[], clientWords: string | null): Promise<Words> {
    const versions = await this.versionsOf(languages, await this.clientWords.get(clientWords));
    return wordsFrom(await this.load(withEnglish(languages), versions));
  }

  /** Those of the versions that are there and hold all words that are needed now. */
  async load(languages: readonly string[], versions: GlossaryVersions): Promise<Map<string, KnownGlossary>> {
    const found = await Promise.all(
      languages.map(async (language): Promise<[string, KnownGlossary | null]> => {
        const version = Object.hasOwn(versions, language) ? versions[language] : undefined;
        return [language, version === undefined ? null : await this.known.get(language, version)];
      }),
    );
    return new Map(found.filter((pair): pair is [string, KnownGlossary] => pair[1] !== null));
  }

  /** How far the making of each wanted glossary is. */
  progress(): Promise<ReadonlyMap<string, GlossaryProgress>> {
    return this.makings.progress(this.recipe);
  }

  private current(language: string, progress: ReadonlyMap<string, GlossaryProgress> | null): string | null {
    const shipped = this.known.shipped(language);
    if (shipped !== null) return shipped;
    const made = progress?.get(glossaryTagOf(language));
    return made?.state === 'made' ? made.version : null;
  }
}

export function withEnglish(languages: readonly string[]): string[] {
  return [...new Set([...languages, ENGLISH])];
}

/** @throws Error without English */
export function wordsFrom(found: ReadonlyMap<string, KnownGlossary>): Words {
  const english = found.get(ENGLISH);
  if (english === undefined) throw new Error('the English glossary is missing');
  return { english, for: (language) => found.get(language) ?? null };
}
