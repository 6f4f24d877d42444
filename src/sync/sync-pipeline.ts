import { Inject, Injectable, Logger } from '@nestjs/common';
import { notesIn, type DescriptionText } from '../assessment/description.js';
import { isEnglish } from '../assessment/languages.js';
import { recogniser } from '../describe/recogniser.js';
import { photoRefs, photosLeft } from '../assessment/photo-refs.js';
import { Clock } from '../common/clock.js';
import { toServiceError } from '../common/http-error.filter.js';
import { inSpan } from '../common/spans.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database, type Transaction } from '../database/database.service.js';
import { PhotoChecker } from '../images/photo-checker.js';
import { asksForNotes } from '../jobs/batch-job.entity.js';
import { JobStore } from '../jobs/job-store.js';
import type { CompletedJob } from '../jobs/job-columns.js';
import { completedLot } from '../jobs/lot-result.js';
import { storedResult, type NewResult } from '../jobs/new-result.js';
import { PhotoAveragesStore } from '../jobs/photo-averages-store.js';
import { jsonBytes, renderedBytes } from '../jobs/rendered-bytes.js';
import { SyncJobStore } from '../jobs/sync-job-store.js';
import type { CompletedLot, HeldSyncJob, SeenPhotos, StoredAnswer } from '../jobs/sync-job.js';
import { UsageSum } from '../jobs/usage-sum.js';
import { JobEnder } from '../jobs/job-ender.js';
import { DeliveryHints } from '../common/work-hints.js';
import { LotDescriber } from '../describe/lot-describer.js';
import { LotError, unreachablePhotos } from '../describe/lot-error.js';
import { ModelSettings } from '../describe/model-settings.js';
import { LotTexts, type LateTexts, textsOrError } from '../describe/lot-texts.js';
import { NoteTranslator } from '../describe/note-translator.js';
import { notedRows } from '../describe/noted-rows.js';
import { JobGlossaries } from '../glossaries/job-glossaries.js';
import { SyncBudgets, type SyncSpend } from './sync-budget.js';
import { SyncLeases } from './sync-leases.js';
import { HungUpError, SyncRun, type SyncOutcome, type SyncWork } from './sync-run.js';

const UNUSABLE = new LotError('OPENAI_API_ERROR', 'What the model answered cannot be used.');

/** Thrown inside a transaction when the job has ended or was taken over, so that nothing of it is written. */
class NotOursError extends Error {}

/**
 * Takes one lot through photo check, vision and translation. Each answer is committed before the next step, so that if
 * the process dies, at most the call in flight is paid for twice.
 */
@Injectable()
export class SyncPipeline {
  private readonly logger = new Logger(SyncPipeline.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly store: SyncJobStore,
    private readonly leases: SyncLeases,
    private readonly photos: PhotoChecker,
    private readonly describer: LotDescriber,
    private readonly notes: NoteTranslator,
    private readonly texts: LotTexts,
    private readonly settings: ModelSettings,
    private readonly glossaries: JobGlossaries,
    private readonly budgets: SyncBudgets,
    private readonly ender: JobEnder,
    private readonly hints: DeliveryHints,
    private readonly averages: PhotoAveragesStore,
  ) {}

  /** Starts the work on a job whose lease this process holds. The run's outcome never rejects. */
  start(work: SyncWork): SyncRun {
    const run = new SyncRun(work, this.leases.hold(work.token));
    const worked = inSpan('sync job', { 'job.id': work.jobId }, () => this.work(run));
    run.outcome = worked.finally(() => this.leases.letGo(work.token));
    return run;
  }

  /**
   * Handles a disconnect: cancels the job, unless the answer has come or a repeat was promised it, and then stops the
   * call. In this order a repeat of the request finds either running work or a cancelled job, never a job that was
   * given up without being cancelled.
   */
  async hangUp(run: SyncRun): Promise<void> {
    const { jobId, options } = run.work;
    if (run.answered || options.idempotent === true) return;
    try {
      const cancelled = await this.database.transaction(
        async (tx) => !(await this.store.isPromised(tx, jobId)) && this.ender.endJob(tx, jobId, 'cancelled'),
      );
      if (cancelled) run.hangUp();
    } catch (error) {
      // The job cannot be cancelled while the database is away, so the work goes on.
      this.logger.warn('a job whose client has disconnected could not be cancelled', {
        job_id: jobId,
        reason: (error as Error).message,
      });
    }
  }

  private async work(run: SyncRun): Promise<SyncOutcome> {
    const usage = new UsageSum();
    const spend = this.budgets.of(run, usage);
    try {
      const assessed = run.work.resumed?.source == null ? await this.assess(run, usage, spend) : null;
      const source = assessed ?? resumedAt(run.work);
      run.answered = true;
      const before = assessed?.rows ?? (await this.store.translated(run.work.jobId));
      const { rows, assessment } = await inSpan('late texts', {}, () => this.late(run, source, before, spend));
      const results = (assessed === null ? rows : [...assessed.rows, ...rows]).map(storedResult);
      const renderedBytes = renderedLot(run.work, source, source.missing, [...before, ...rows]);
      const photos = assessed?.photos ?? null;
      const job = await this.finish(run, { results, photos, renderedBytes, usage: usage.rows(), assessment });
      usage.clear();
      // Late texts complete what was stored before them.
      const lot =
        photos === null || rows.length > 0 ? null : completedLot(run.work.lot.lotId, job.completedAt, photos, results);
      return { kind: 'completed', job, lot };
    } catch (error) {
      return await this.endUnfinished(run, error, spend.paid);
    } finally {
      // Usage that the job's end did not count: it is billed too.
      await this.countUsage(run, usage);
    }
  }

  /**
   * Checks the photos, asks the vision model and writes the texts that need no other. If translations follow, all this is
   * committed before the first of them.
   */
  private async assess(run: SyncRun, usage: UsageSum, spend: SyncSpend): Promise<WrittenLot> {
    const { lot, keyId } = run.work;
    const checked = await this.photos.checkLot(lot.images, { signal: run.signal, look: () => true });
    if (!checked.withinThreshold)
      throw unreachablePhotos(checked.missing, checked.reachable.length + checked.missing.length);
    const looked = [...checked.sizes.values()].map((size) => this.settings.photoTokens(size));
    const tokens = looked.reduce((sum, each) => sum + each, 0);
    if (keyId !== null) this.averages.count(this.settings.photosOf(keyId), { photos: looked.length, tokens });
    const unseen = checked.reachable.length - looked.length;
    const { answer, seen, missing } = await this.describer.assess(
      {
        photoTokens: tokens + unseen * this.settings.photoTokens(null),
        additionalInfo: lot.additionalInfo,
        photos: photoRefs(lot.images, (url) => checked.reachable.includes(url)),
        missing: checked.missing,
        carried: checked.carried,
        options: run.work.options,
      },
      { deadlineAt: this.clock.now() + this.config.openai.timeoutSeconds * 1000, signal: run.signal },
      spend.count,
      spend.budget(checked.reachable.length),
    );
    const photos = { seen, missing };
    const { languages } = run.work;
    const words = await this.glossaries.wordsOf(run.work.jobId);
    const written = textsOrError(this.texts.write(answer, languages, words, false), missing);
    const { english, others, waitsForNotes } = written;
    const rows = [english, ...others];
    if (waitsForNotes || languages.some((language) => words.for(language) === null)) {
      run.signal.throwIfAborted();
      // Stored together with its cost, which would be lost if the process died before the job's end.
      await this.database.transaction(async (tx) => {
        if (!(await this.store.saveVision(tx, heldBy(run), rows, photos))) throw new NotOursError();
        await this.jobs.addUsage(tx, run.work.jobId, usage.rows());
      });
      usage.clear();
    }
    const { strings, assessment, raw, model, needsReview } = english;
    return { strings, assessment, raw, model: model ?? '', needsReview, missing, rows, photos };
  }

  /**
   * The rows of languages that have none yet: their glossary or the translations of notes are waited for, or an earlier version left
   * them. What is not there in time carries English, or stands without its notes; the making of a glossary goes on.
   */
  private async late(
    run: SyncRun,
    source: LateSource,
    before: readonly { language: string }[],
    spend: SyncSpend,
  ): Promise<LateTexts> {
    const { jobId, languages, lot } = run.work;
    const done = new Set(before.map(({ language }) => language));
    const lacking = languages.filter((language) => !done.has(language));
    if (lacking.length === 0) return { rows: [], assessment: null };
    const deadlineAt = this.clock.now() + this.config.sync.translationTimeoutSeconds * 1000;
    const limits = { deadlineAt, signal: run.signal };
    const notes = asksForNotes(run.work.options) ? notesIn(source.strings as DescriptionText) : [];
    const others = lacking.filter((language) => !isEnglish(language));
    const [translated] = await Promise.all([
      this.notes.translateAll(notes, others, limits, spend.count, () => spend.budget(0)),
      this.glossaries.wait(lacking, limits),
    ]);
    const photos = photosLeft(lot.images, source.missing);
    const words = await this.glossaries.wordsOf(jobId);
    const late = this.texts.rewrite({ ...source, photos }, lacking, words);
    if (translated.size === 0) return late;
    return { ...late, rows: notedRows(late.rows, notes, translated, words, await recogniser()) };
  }

  private async finish(run: SyncRun, lot: CompletedLot): Promise<CompletedJob> {
    run.signal.throwIfAborted();
    const job = await this.ender.complete(heldBy(run), lot);
    if (job === undefined) throw new NotOursError();
    if (job.handedOverAt !== null) this.hints.wake();
    return job;
  }

  /** Ends the job after its work was stopped or failed. @param paid - whether an answer was paid for */
  private async endUnfinished(run: SyncRun, cause: unknown, paid: boolean): Promise<SyncOutcome> {
    const { jobId } = run.work;
    if (run.signal.reason instanceof HungUpError) return { kind: 'cancelled' };
    if (run.signal.aborted || cause instanceof NotOursError) return { kind: 'lost' };
    const error = cause instanceof LotError ? cause.toServiceError() : toServiceError(cause);
    // The database is away. The job stays as it is, and is resumed or ended when its lease has run out.
    if (error.code === 'SERVICE_UNAVAILABLE' && !(cause instanceof LotError)) return { kind: 'failed', error };
    if (error.code === 'INTERNAL_ERROR') {
      this.logger.error('a synchronous job failed', { job_id: jobId, cause: (cause as Error).stack });
      // The error came with an answer of OpenAI's. A 500 would make clients send the same again, and pay for it again.
      if (paid) return this.endUnfinished(run, UNUSABLE, false);
    }
    const stored = cause instanceof LotError ? cause.toStored() : { code: error.code, message: error.message };
    const ended = await this.end(jobId, async (tx) => {
      const missing = cause instanceof LotError ? cause.missingImages : [];
      const row = cause instanceof LotError ? cause.row : undefined;
      if (!(await this.store.fail(tx, jobId, stored, missing, row))) return false;
      return this.ender.endJob(tx, jobId, 'failed', { error: stored });
    });
    return ended ? { kind: 'failed', error } : { kind: 'lost' };
  }

  private async end(jobId: string, work: (tx: Transaction) => Promise<boolean>): Promise<boolean> {
    try {
      const ended = await this.database.transaction(work);
      if (ended) this.hints.wake();
      return ended;
    } catch (error) {
      this.logger.error('a job could not be ended; its lease will run out', {
        job_id: jobId,
        reason: (error as Error).message,
      });
      return false;
    }
  }

  private async countUsage(run: SyncRun, usage: UsageSum): Promise<void> {
    try {
      await this.jobs.addUsage(this.database, run.work.jobId, usage.rows());
    } catch (error) {
      this.logger.error('the usage of a call could not be counted', {
        job_id: run.work.jobId,
        reason: (error as Error).message,
      });
    }
  }
}

/** What late texts of a lot are written from. */
interface LateSource extends StoredAnswer {
  readonly missing: readonly MissingPhoto[];
}

/** A lot with its texts: the source for translations, the rows to store, and which photos were seen. */
interface WrittenLot extends LateSource {
  readonly needsReview: unknown;
  readonly rows: readonly NewResult[];
  readonly photos: SeenPhotos;
}

/** The estimated size of the lot in results and webhooks, in bytes. */
function renderedLot(
  { lot, languages, options: { include = [] } }: SyncWork,
  { assessment, needsReview }: Pick<StoredAnswer, 'assessment' | 'needsReview'>,
  missing: readonly MissingPhoto[],
  rows: readonly { language: string; html: string }[],
): number {
  return renderedBytes(
    rows.filter(({ language }) => languages.includes(language)),
    {
      idLength: lot.lotId.length,
      missing,
      assessment: include.includes('assessment') ? jsonBytes(assessment) : 0,
      review: jsonBytes(needsReview),
      usage: include.includes('usage'),
    },
  );
}

/** What an earlier process has committed. */
function resumedAt({ resumed }: SyncWork): LateSource {
  return { ...(resumed?.source as StoredAnswer), missing: resumed?.missing ?? [] };
}

function heldBy(run: SyncRun): HeldSyncJob {
  return { id: run.work.jobId, token: run.work.token };
}
