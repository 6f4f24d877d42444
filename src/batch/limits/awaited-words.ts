import { Injectable } from '@nestjs/common';
import { ModelSettings } from '../../describe/model-settings.js';
import { JobGlossaries } from '../../glossaries/job-glossaries.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { Deadlines } from './deadlines.js';

/** The reason of a shard whose lots are described and wait for the glossary of a language. */
export const WAITING_FOR_WORDS = 'glossary';
/** Seconds until it is looked for again: a making takes minutes. */
export const WORDS_SECONDS = 2;

/** Tells which jobs have texts that must still wait for words. */
@Injectable()
export class AwaitedWords {
  constructor(
    private readonly settings: ModelSettings,
    private readonly glossaries: JobGlossaries,
    private readonly deadlines: Deadlines,
  ) {}

  /** Whether a glossary may still come, before BATCH_DEADLINE. One that failed is waited for by nobody. */
  async isAwaited(job: ShardJob): Promise<boolean> {
    if (this.settings.unshipped(job.languages).length === 0 || this.deadlines.batchesAreOver(job)) return false;
    const words = await this.glossaries.wordsOf(job.id);
    const missing = job.languages.filter((language) => words.for(language) === null);
    return (await this.glossaries.awaited(missing)).length > 0;
  }
}
