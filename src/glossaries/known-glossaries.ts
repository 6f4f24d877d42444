import { Injectable, Logger } from '@nestjs/common';
import { layOverInSteps } from '../assessment/client-words.js';
import { GlossaryError, fileOf, parseGlossary, type KnownGlossary } from '../assessment/text/glossary-file.js';
import { numbersOf } from '../assessment/text/glossaries.js';
import { forRegion, glossaryTagOf } from '../assessment/text/glossary-tags.js';
import { inSteps } from '../common/in-steps.js';
import { remember } from '../common/remember.js';
import { Database } from '../database/database.service.js';
import { ModelSettings } from '../describe/model-settings.js';
import { GlossaryVersionStore } from './glossary-version-store.js';
import type { KeptWords } from './known-client-words.js';

/** Each holds a few hundred words and the auditor's reader of them: some hundred kilobytes. */
const MOST_KEPT = 100;
/** Each is a version's name. */
const MOST_LAID_OVER = 1_000;

/** Glossaries by version, read and checked once in a process: one object each, so that whoever keeps something of it finds it. */
@Injectable()
export class KnownGlossaries {
  private readonly logger = new Logger(KnownGlossaries.name);
  private readonly kept = new Map<string, Promise<KnownGlossary | null>>();
  private readonly laidOver = new Map<string, Promise<string>>();
  private readonly stored = new Set<string>();

  constructor(
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
    if (known === null || this.stored.has(tag)) return;
    const { version, state } = known;
    await this.versions.keep(this.database, { tag, version, origin: 'shipped', state, words: fileOf(known) });
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

  /**
   * The version of a language's glossary with a client's own words in it, kept for good. Words that do not go with it are left out, all
   * of that language: with half of them a text would mix two ways of speaking. A shipped glossary was seen to go with them at the start.
   */
  withWords(language: string, version: string, words: KeptWords): Promise<string> {
    const tag = glossaryTagOf(language);
    if (!Object.hasOwn(words.words, tag)) return Promise.resolve(version);
    const key = `${tag} ${version} ${words.version}`;
    const known = this.laidOver.get(key);
    const found = known ?? this.layOver(tag, version, words);
    remember(this.laidOver, key, found, MOST_LAID_OVER);
    if (known === undefined) found.catch(() => this.laidOver.delete(key));
    return found;
  }

  private async layOver(tag: string, version: string, { version: of, words }: KeptWords): Promise<string> {
    const base = await this.get(tag, version);
    if (base === null) return version;
    const english = this.settings.glossaries.english.glossary;
    const laid = await inSteps(layOverInSteps(base, words[tag] ?? {}, english));
    if ('problems' in laid) {
      const reason = laid.problems.join('; ').slice(0, 500);
      this.logger.warn('own words do not go with a glossary and are left out', { tag, version, words: of, reason });
      return version;
    }
    const { known } = laid;
    if (known === base) return version;
    const { state } = known;
    await this.versions.keep(this.database, {
      tag,
      version: known.version,
      origin: 'client',
      state,
      words: fileOf(known),
    });
    remember(this.kept, `${tag.toLowerCase()} ${known.version}`, Promise.resolve(known), MOST_KEPT);
    return known.version;
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
    const stored = await this.versions.read(tag, version);
    if (stored === null) return null;
    try {
      const english = tag === 'en' ? undefined : this.settings.glossaries.english.glossary;
      const known = parseGlossary(stored.words, tag, english);
      // The state is kept beside the words, which say nothing of it themselves.
      return known.version === version ? { ...known, state: stored.state } : known;
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
