import { Injectable, Logger } from '@nestjs/common';
import type { Words } from '../assessment/published-text.js';
import { glossaryTagOf } from '../assessment/text/glossary-tags.js';
import { Clock } from '../common/clock.js';
import { remember } from '../common/remember.js';
import { JobGlossaryStore, type JobGlossaryRow, type PinnedGlossaries } from '../jobs/job-glossary-store.js';
import { CurrentGlossaries, withEnglish, wordsFrom } from './current-glossaries.js';
import { GlossaryMaker } from './glossary-maker.js';
import { GlossaryMakingStore } from './glossary-making-store.js';
import { KnownClientWords } from './known-client-words.js';
import { KnownGlossaries } from './known-glossaries.js';

/** How often a wait looks whether another process has made what is awaited. */
const LOOK_MS = 1_000;

/** Some hundred bytes each: more than a process answers at once, and one that is forgotten is read. */
const MOST_JOBS = 5_000;

/** A job that is about to be made. */
export interface NewPinning {
  readonly id: string;
  readonly keyId: string;
  readonly languages: readonly string[];
}

export interface WaitLimits {
  /** Milliseconds since 1970. */
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
}

/** The glossaries of jobs: which versions a job writes with, and the making of those that are missing. */
@Injectable()
export class JobGlossaries {
  private readonly logger = new Logger(JobGlossaries.name);
  /**
   * What the jobs that this process has taken have written down, so that a request that is answered at once reads it never again.
   * It may be behind: another process may have added a language. Then the write that follows says what the job has.
   */
  private readonly pinned = new Map<string, JobGlossaryRow>();

  constructor(
    private readonly clock: Clock,
    private readonly known: KnownGlossaries,
    private readonly clientWords: KnownClientWords,
    private readonly now: CurrentGlossaries,
    private readonly makings: GlossaryMakingStore,
    private readonly maker: GlossaryMaker,
    private readonly jobs: JobGlossaryStore,
  ) {}

  /**
   * What a new job writes down: the version of each of its languages that has words now, and of English, with the words of the client's
   * own in them; and these words themselves, for a language whose glossary comes later.
   * @param job - with the id that it will have
   */
  async pin({ id, keyId, languages }: NewPinning): Promise<PinnedGlossaries> {
    const words = await this.clientWords.of(keyId, withEnglish(languages));
    const glossaries = await this.now.versionsOf(languages, words);
    return this.keep(id, { languages, glossaries, clientWords: words?.version ?? null });
  }

  /**
   * What a job writes down that tries lots of another one again: what that one has, so that both read alike. A language that had no
   * glossary there gets what a new job would get, in the words of the client's own that the other one began with.
   * @param id - of the job that is about to be made
   */
  async pinLike(
    id: string,
    other: { readonly id: string; readonly languages: readonly string[] },
  ): Promise<PinnedGlossaries> {
    const { glossaries, clientWords } = (await this.jobs.read(other.id)) ?? { glossaries: {}, clientWords: null };
    const fresh = await this.now.versionsOf(other.languages, await this.clientWords.get(clientWords));
    return this.keep(id, { languages: other.languages, glossaries: { ...fresh, ...glossaries }, clientWords });
  }

  private keep(id: string, job: JobGlossaryRow): PinnedGlossaries {
    remember(this.pinned, id, job, MOST_JOBS);
    return { glossaries: job.glossaries, clientWords: job.clientWords };
  }

  /**
   * The words that a job's texts are written with. What it has written down stays; a language that had no glossary and has one
   * now gets it for good, and so does one whose version lacks words that this service needs.
   */
  async wordsOf(jobId: string): Promise<Words> {
    const job = this.pinned.get(jobId) ?? (await this.jobs.read(jobId));
    if (job === null) throw new Error('there is no such job');
    const languages = withEnglish(job.languages);
    const found = await this.now.load(languages, job.glossaries);
    const missing = languages.filter((language) => !found.has(language));
    if (missing.length > 0) {
      const fresh = await this.now.versionsOf(missing, await this.clientWords.get(job.clientWords));
      const wanted = Object.fromEntries(Object.entries(fresh).filter(([language]) => missing.includes(language)));
      if (Object.keys(wanted).length > 0) {
        const expected = Object.fromEntries(missing.map((language) => [language, job.glossaries[language] ?? null]));
        const written = await this.jobs.write(jobId, wanted, expected);
        if (this.pinned.has(jobId)) remember(this.pinned, jobId, { ...job, glossaries: written }, MOST_JOBS);
        for (const [language, glossary] of await this.now.load(missing, written)) found.set(language, glossary);
      }
    }
    return wordsFrom(found);
  }

  /** Has the missing glossaries of these languages made, by this process if it is free; a failed one only after its rest. */
  async start(languages: readonly string[]): Promise<void> {
    const tags = [...new Set(this.known.unshipped(languages).map(glossaryTagOf))];
    if (tags.length === 0) return;
    await this.makings.want(tags, this.now.recipe);
    await this.maker.begin();
  }

  /** The same for a job that is taken by now: whoever waits for its glossaries asks again for one that was not begun. */
  async startOrLog(languages: readonly string[]): Promise<void> {
    try {
      await this.start(languages);
    } catch (error) {
      this.logger.warn('missing glossaries could not be begun', { reason: (error as Error).message });
    }
  }

  /** Those of the languages whose glossary may still come; one that nobody has asked for is asked for. */
  async awaited(languages: readonly string[]): Promise<readonly string[]> {
    const open = this.known.unshipped(languages);
    if (open.length === 0) return [];
    const progress = await this.now.progress();
    const stateOf = (language: string) => progress.get(glossaryTagOf(language))?.state ?? 'unknown';
    const unknown = open.filter((language) => stateOf(language) === 'unknown');
    if (unknown.length > 0) await this.start(unknown);
    return open.filter((language) => ['awaited', 'unknown'].includes(stateOf(language)));
  }

  /**
   * Waits until every glossary of these languages is there or has failed, or the time is over; the making goes on after it.
   * @throws the signal's reason
   */
  async wait(languages: readonly string[], { deadlineAt, signal }: WaitLimits): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const woken = new AbortController();
      const unsubscribe = this.maker.onEnd(() => woken.abort());
      try {
        if ((await this.awaited(languages)).length === 0) return;
        const left = deadlineAt - this.clock.now();
        if (left <= 0) return;
        // The process that began it may be gone.
        await this.maker.begin();
        await this.clock.sleep(Math.min(left, LOOK_MS), AbortSignal.any([signal, woken.signal])).catch(() => undefined);
      } finally {
        unsubscribe();
      }
    }
  }
}
