import { Injectable } from '@nestjs/common';
import type { ClientWords } from '../assessment/client-words.js';
import { fingerprintOf } from '../assessment/text/glossary-file.js';
import { glossaryTagOf } from '../assessment/text/glossary-tags.js';
import { remember } from '../common/remember.js';
import { ModelSettings } from '../describe/model-settings.js';
import { ClientWordsStore } from './client-words-store.js';

/** A client's own words under the version that jobs write down. */
export interface KeptWords {
  readonly version: string;
  readonly words: ClientWords;
}

/** Of jobs that began under an earlier setting; each is some kilobytes at most. */
const MOST_KEPT = 100;

/** The own words of clients: those of the setting, and those that jobs began with before it changed. */
@Injectable()
export class KnownClientWords {
  private readonly set: ReadonlyMap<string, KeptWords>;
  private readonly kept = new Map<string, KeptWords>();
  private readonly stored = new Set<string>();

  constructor(
    settings: ModelSettings,
    private readonly store: ClientWordsStore,
  ) {
    const { clientWords } = settings;
    this.set = new Map([...clientWords].map(([keyId, words]) => [keyId, { version: fingerprintOf(words), words }]));
  }

  /** What the setting says now for the jobs of a key in these languages, kept for good; null where it says nothing of them. */
  async of(keyId: string, languages: readonly string[]): Promise<KeptWords | null> {
    const found = this.set.get(keyId);
    if (found === undefined || !languages.some((language) => Object.hasOwn(found.words, glossaryTagOf(language)))) {
      return null;
    }
    if (!this.stored.has(found.version)) {
      await this.store.keep(found.version, found.words);
      this.stored.add(found.version);
    }
    return found;
  }

  /** The words that a job has written down; null for one without. */
  async get(version: string | null): Promise<KeptWords | null> {
    if (version === null) return null;
    const known = this.kept.get(version);
    if (known !== undefined) return known;
    const words = await this.store.words(version);
    if (words === null) return null;
    const found = { version, words };
    remember(this.kept, version, found, MOST_KEPT);
    return found;
  }
}
