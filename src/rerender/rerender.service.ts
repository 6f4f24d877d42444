import { Inject, Injectable, Logger } from '@nestjs/common';
import { notesIn, type DescriptionText } from '../assessment/description.js';
import type { Recogniser } from '../assessment/notes/recogniser.js';
import type { Words } from '../assessment/published-text.js';
import { Clock } from '../common/clock.js';
import { isUuid } from '../common/ids.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { LotTexts, type WrittenTexts } from '../describe/lot-texts.js';
import { notedRows } from '../describe/noted-rows.js';
import { recogniser } from '../describe/recogniser.js';
import { CurrentGlossaries } from '../glossaries/current-glossaries.js';
import { asksForNotes } from '../jobs/batch-job.entity.js';
import type { NewResult } from '../jobs/new-result.js';
import { ResultRows } from '../jobs/result-rows.js';
import { RevisionStore, type HeldJob, type StoredLot } from '../jobs/revision-store.js';
import { keptTranslations, nextRows, storedAnswer } from './rewritten-lot.js';

/** The job cannot be written anew now, or no longer; the message is for the person who asked. */
class RerenderRefusedError extends Error {
  override readonly name = 'RerenderRefusedError';
}

export interface Rerendered {
  /** The revision that the job shows now. */
  readonly revision: number;
  /** How many lots have new texts. */
  readonly lots: number;
  /** How many keep theirs, because their answer is not there or no text could be made of it. */
  readonly kept: number;
}

/** How many lots are read and written at once: some megabytes of answers. */
const CHUNK_LOTS = 100;
/** The pause between two looks at a job that another process holds. */
const LOOK_AGAIN_MS = 1000;

/**
 * Writes the texts of an ended job anew from its stored answers, with the code and the glossaries of today, the client's own words that
 * it began with, and without a model.
 * Clients see all of it at once, when the job's revision is raised at the end; nothing is sent to anybody.
 */
@Injectable()
export class Rerender {
  private readonly logger = new Logger(Rerender.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly revisions: RevisionStore,
    private readonly texts: LotTexts,
    private readonly glossaries: CurrentGlossaries,
  ) {}

  /**
   * @param signal - stops between two chunks; the job then shows what it showed before
   * @throws RerenderRefusedError, or the signal's reason
   */
  async rerender(jobId: string, signal: AbortSignal): Promise<Rerendered> {
    const job = await this.hold(jobId, signal);
    try {
      const { lots, kept } = await this.writeLots(job, signal);
      if (lots === 0)
        throw new RerenderRefusedError(`No lot of job ${job.id} has an answer that texts can be made of.`);
      if (!(await this.revisions.show(job))) throw taken(job.id);
      return { revision: job.revision + 1, lots, kept };
    } catch (error) {
      // Whoever repeats this need not wait for the lease to run out. If the database is away, that is all the same.
      await this.revisions.release(job).catch(() => undefined);
      throw error;
    }
  }

  private async writeLots(job: HeldJob, signal: AbortSignal): Promise<Omit<Rerendered, 'revision'>> {
    const words = await this.glossaries.wordsOf(job.languages, job.clientWords);
    const recognises = asksForNotes(job.options) ? await recogniser() : null;
    let lots = 0;
    let kept = 0;
    for (let after = -1; ;) {
      signal.throwIfAborted();
      const stored = await this.revisions.lots(job, after, CHUNK_LOTS);
      const last = stored.at(-1)?.position;
      if (last === undefined) return { lots, kept };
      const rows = new ResultRows(job.id, this.clock.date().toISOString(), job.revision + 1);
      const written = stored.flatMap((lot) => {
        const results = this.rewrite(job, lot, words, recognises);
        return results === null ? [] : [rows.add(lot.position, results)];
      });
      const range = { first: after + 1, last };
      const seconds = this.config.jobs.leaseSeconds;
      if (!(await this.revisions.write(job, seconds, range, rows.take(written)))) throw taken(job.id);
      lots += written.length;
      kept += stored.length - written.length;
      after = last;
    }
  }

  /** @returns null where the lot keeps what it has: a text that was published is not taken back for want of a better one */
  private rewrite(job: HeldJob, lot: StoredLot, words: Words, recognises: Recogniser | null): NewResult[] | null {
    try {
      const answer = storedAnswer(lot, recognises);
      if (answer === null) return null;
      const texts = this.texts.write(answer, job.languages, words, false);
      if (texts.kind === 'rejected') return null;
      const written = [texts.english, ...texts.others];
      if (recognises === null || !texts.waitsForNotes) return nextRows(lot, written);
      return nextRows(lot, this.withNotes(job, lot, texts, words, recognises));
    } catch (error) {
      this.logger.error('a lot cannot be written anew and keeps its texts', {
        job_id: job.id,
        position: lot.position,
        reason: error instanceof Error ? error.stack : String(error),
      });
      return null;
    }
  }

  /** The texts of a lot with notes: in other languages with the translations that it has, and without those that it lacks. */
  private withNotes(
    { languages }: HeldJob,
    lot: StoredLot,
    { english, others }: WrittenTexts & { readonly kind: 'written' },
    words: Words,
    recognises: Recogniser,
  ): NewResult[] {
    const written = new Set(['en', ...others.map(({ language }) => language)]);
    const lacking = languages.filter((language) => !written.has(language) && words.for(language) !== null);
    const { strings, assessment, model } = english;
    const source = { strings, assessment, model: model ?? '', raw: null, photos: [] };
    const late = this.texts.rewrite(source, lacking, words);
    const notes = notesIn(strings as DescriptionText);
    const noted = notedRows(late.rows, notes, keptTranslations(lot, notes), words, recognises);
    return [{ ...english, assessment: late.assessment ?? assessment }, ...others, ...noted];
  }

  /** Takes the job. A process that was killed holds it until its lease runs out, and is told from a living one by not extending it. */
  private async hold(jobId: string, signal: AbortSignal): Promise<HeldJob> {
    if (!isUuid(jobId))
      throw new RerenderRefusedError(`"${jobId}" is no job id, which looks like 01a21696-39d4-74c6-bd04-f3553247d0b7.`);
    let until: string | null = null;
    for (;;) {
      const answer = await this.revisions.hold(jobId, this.config.jobs.leaseSeconds);
      switch (answer.kind) {
        case 'held':
          return answer.job;
        case 'unknown':
          throw new RerenderRefusedError(`There is no job ${jobId}.`);
        case 'running':
          throw new RerenderRefusedError(
            `Job ${jobId} is ${answer.status}. Only a job that has ended can be written anew: wait for its end, or cancel it.`,
          );
        case 'taken':
          if (until !== null && answer.until !== until) throw taken(jobId);
          if (until === null) this.logger.warn('another process holds the job; waiting for its end', { job_id: jobId });
          until = answer.until;
          await this.clock.sleep(LOOK_AGAIN_MS, signal);
      }
    }
  }
}

function taken(jobId: string): RerenderRefusedError {
  return new RerenderRefusedError(
    `Another process is writing job ${jobId} anew, or it is being removed because it is old. Try again when that is over.`,
  );
}
