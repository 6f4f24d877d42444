import { Inject, Injectable, Logger } from '@nestjs/common';
import { GlossaryError, parseGlossary, type KnownGlossary } from '../assessment/text/glossary-file.js';
import { numbersOf } from '../assessment/text/glossaries.js';
import { forRegion, glossaryTagOf } from '../assessment/text/glossary-tags.js';
import { remember } from '../common/remember.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';
import { ModelSettings } from '../describe/model-settings.js';
import { GlossaryVersionStore } from './glossary-version-store.js';

/** Each holds a few hundred words and the auditor's reader of them: some hundred kilobytes. */
const MOST_KEPT = 100;

/** Glossaries by version, read and checked once in a process: one object each, so that whoever keeps something of it finds it. */
@Injectable()
export class KnownGlossaries {
  private readonly logger = new Logger(KnownGlossaries.name);
  private readonly kept = new Map<string, Promise<KnownGlossary | null>>();
  private readonly stored = new Set<string>();

  constructor(
    @Inject(APP_CONFIG) private readonly config: Pick<AppConfig, 'glossaries'>,
    private readonly database: Database,
    private readonly settings: ModelSettings,
    private readonly versions: GlossaryVersionStore,
  ) {}

  /** The version of the glossary that is shipped for a language as sent; null where none is. */
  shipped(language: string): string | null {
    return this.settings.glossaries.for(language)?.version ?? null;
  }

  /** The languages that no glossary is shipped for. */
  unshipped(languages: readonly string[]): readonly string[] {
    return this.settings.unshipped(languages);
  }

  /** Keeps a shipped glossary in the database, so that a job finds its words after an upgrade that changes the file. */
  async store(language: string): Promise<void> {
    const tag = glossaryTagOf(language);
    const known = this.settings.glossaries.for(language);
    const words = this.config.glossaries.get(tag);
    if (known === null || words === undefined || this.stored.has(tag)) return;
    const { version, state } = known;
    await this.versions.keep(this.database, { tag, version, origin: 'shipped', state, words });
    this.stored.add(tag);
  }

  /**
   * A version in the form that a language as sent takes; null when it is not there, or lacks a word that is needed now: after
   * an upgrade no text can be written with it.
   */
  get(language: string, version: string): Promise<KnownGlossary | null> {
    const key = `${language.toLowerCase()} ${version}`;
    const known = this.kept.get(key);
    const found = known ?? this.load(language, version);
    remember(this.kept, key, found, MOST_KEPT);
    if (known === undefined) {
      // What is not there may come, and a database that was away comes back.
      const forget = () => void this.kept.delete(key);
      found.then((glossary) => (glossary === null ? forget() : undefined), forget);
    }
    return found;
  }

  private async load(language: string, version: string): Promise<KnownGlossary | null> {
    const tag = glossaryTagOf(language);
    const shipped = this.settings.glossaries.for(language);
    if (shipped?.version === version) return shipped;
    const plain = this.kept.get(`${tag.toLowerCase()} ${version}`);
    const found = language === tag || plain === undefined ? await this.read(tag, version) : await plain;
    if (found === null) return null;
    const glossary = forRegion(found.glossary, language);
    return numbersOf(glossary) === numbersOf(found.glossary) ? found : { ...found, glossary };
  }

  private async read(tag: string, version: string): Promise<KnownGlossary | null> {
    const words = await this.versions.words(tag, version);
    if (words === null) return null;
    try {
      return parseGlossary(words, tag, tag === 'en' ? undefined : this.settings.glossaries.english.glossary);
    } catch (error) {
      if (!(error instanceof GlossaryError)) throw error;
      this.logger.warn('an older glossary cannot be used any more', {
        tag,
        version,
        reason: error.message.slice(0, 500),
      });
      return null;
    }
  }
}
