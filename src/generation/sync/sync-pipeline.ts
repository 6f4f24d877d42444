import { Inject, Injectable, Logger } from '@nestjs/common';
import type { PhotoRef } from '../../assessment/assessment.js';
import { isEnglish } from '../../assessment/languages.js';
import { Clock } from '../../common/clock.js';
import { toServiceError } from '../../common/http-error.filter.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type Transaction } from '../../database/database.service.js';
import { PhotoChecker } from '../../images/photo-checker.js';
import { JobStore, type UsageRow } from '../../jobs/job-store.js';
import { SyncJobStore, type NewResult, type StoredSource } from '../../jobs/sync-job-store.js';
import { JobEnder } from '../../webhook/end-job.js';
import { DeliveryHints } from '../../webhook/delivery-hints.js';
import { LotDescriber } from '../describe/lot-describer.js';
import { LotError } from '../describe/lot-error.js';
import { unreachablePhotos } from './photo-refusal.js';
import { SyncLeases } from './sync-leases.js';
import { HungUpError, SyncRun, type SyncOutcome, type SyncWork } from './sync-run.js';

/** Thrown inside a transaction that found the job ended or taken over: nothing of it may be written. */
class NotOursError extends Error {}

/**
 * Takes one lot through photos, vision and translation. Each answer is committed before the next step, so that a
 * process that dies leaves at most the call in flight to be paid for twice.
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
    private readonly ender: JobEnder,
    private readonly hints: DeliveryHints,
  ) {}

  /** Starts the work on a job whose lease this process holds. Its outcome never rejects. */
  start(work: SyncWork): SyncRun {
    const run = new SyncRun(work, this.leases.hold(work.token));
    run.outcome = this.work(run).finally(() => this.leases.letGo(work.token));
    return run;
  }

  private async work(run: SyncRun): Promise<SyncOutcome> {
    try {
      const source = run.work.resumed?.source ?? (await this.assess(run));
      run.answered = true;
      await this.finish(run, source, await this.translate(run, source));
      return { kind: 'completed' };
    } catch (error) {
      return this.endUnfinished(run, error);
    }
  }

  /** Photos, then the model; the English description is committed when this resolves. */
  private async assess(run: SyncRun): Promise<StoredSource> {
    const { jobId, lot } = run.work;
    const checked = await this.photos.checkLot(lot.images, { signal: run.signal });
    if (!checked.withinThreshold) throw unreachablePhotos(checked.unreachable, lot.images.length);
    await this.commit(run, async (tx) => {
      await this.store.savePhotos(tx, jobId, checked.unreachable, checked.reachable.length);
      // A run that was resumed checks again, because a photo may be gone, but its counters have moved already.
      if (run.work.resumed?.photosChecked === true) return;
      await this.advance(tx, run, { awaitingImages: -1, awaitingVision: 1, images: checked.reachable.length });
    });
    const source = await this.describer.assess(
      { additionalInfo: lot.additionalInfo, photos: numbered(lot.images, checked.reachable) },
      this.limits(run),
      (usage) => this.count(run, usage),
    );
    const translating = run.work.languages.some((language) => !isEnglish(language));
    await this.commit(run, async (tx) => {
      await this.store.saveResults(tx, jobId, [source]);
      await this.store.translatingLot(tx, jobId, [...checked.unreachable, ...source.dropped]);
      await this.advance(tx, run, { awaitingVision: -1, awaitingTranslation: translating ? 1 : 0 });
    });
    return { strings: source.strings, assessment: source.assessment, model: source.model ?? '' };
  }

  /** All languages side by side; each is committed as it comes, what is late or fails falls back to English. */
  private async translate(run: SyncRun, source: StoredSource): Promise<NewResult[]> {
    const deadline = this.clock.now() + this.config.sync.translationTimeoutSeconds * 1000;
    return Promise.all(
      run.work.languages.map(async (language) => {
        if (isEnglish(language)) return this.describer.english(source, language, false);
        try {
          const result = await this.describer.translate(
            source,
            language,
            { deadlineAt: deadline, signal: run.signal },
            (usage) => this.count(run, usage),
          );
          await this.commit(run, (tx) => this.store.saveResults(tx, run.work.jobId, [result]));
          return result;
        } catch (error) {
          if (run.signal.aborted || error instanceof NotOursError) throw error;
          this.logger.warn('a translation failed; the English text stands in', {
            job_id: run.work.jobId,
            language,
            reason: (error as Error).message,
          });
          return this.describer.english(source, language, true);
        }
      }),
    );
  }

  private async finish(run: SyncRun, source: StoredSource, results: readonly NewResult[]): Promise<void> {
    const { jobId, languages } = run.work;
    const renderedBytes = results.reduce((sum, result) => sum + Buffer.byteLength(result.html), 0);
    const withAssessment = run.work.options.include?.includes('assessment') === true;
    const assessmentBytes = withAssessment ? Buffer.byteLength(JSON.stringify(source.assessment)) : 0;
    const translating = languages.some((language) => !isEnglish(language));
    await this.commit(run, async (tx) => {
      await this.store.saveResults(tx, jobId, results);
      await this.store.completeLot(tx, jobId, renderedBytes + assessmentBytes);
      await this.advance(tx, run, { awaitingTranslation: translating ? -1 : 0, processed: 1 });
      if (!(await this.ender.endJob(tx, jobId, 'completed'))) throw new NotOursError();
    });
    this.hints.wake();
  }

  /** Ends the job for whatever stopped its work. */
  private async endUnfinished(run: SyncRun, cause: unknown): Promise<SyncOutcome> {
    const { jobId } = run.work;
    if (run.signal.reason instanceof HungUpError) {
      const cancelled = await this.end(jobId, (tx) => this.ender.endJob(tx, jobId, 'cancelled'));
      return { kind: cancelled ? 'cancelled' : 'lost' };
    }
    if (run.signal.aborted || cause instanceof NotOursError) return { kind: 'lost' };
    const error = cause instanceof LotError ? cause.toServiceError() : toServiceError(cause);
    // The database is away: the job stays as it is and is taken up again, or ended, when its lease is over.
    if (error.code === 'SERVICE_UNAVAILABLE' && !(cause instanceof LotError)) return { kind: 'failed', error };
    if (error.code === 'INTERNAL_ERROR') {
      this.logger.error('a synchronous job failed', { job_id: jobId, cause: (cause as Error).stack });
    }
    const stored = { code: cause instanceof LotError ? cause.code : error.code, message: error.message };
    const ended = await this.end(jobId, async (tx) => {
      const missing = cause instanceof LotError ? cause.missingImages : [];
      await this.store.failLot(tx, jobId, stored, missing);
      if (!(await this.jobs.failOnly(tx, jobId))) return false;
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

  private async commit(run: SyncRun, work: (tx: Transaction) => Promise<void>): Promise<void> {
    run.signal.throwIfAborted();
    await this.database.transaction(work);
  }

  private async advance(tx: Transaction, run: SyncRun, moves: Parameters<JobStore['advance']>[2]): Promise<void> {
    if ((await this.jobs.advance(tx, run.work.jobId, moves, run.work.token)) === null) throw new NotOursError();
  }

  /** Cost is counted whatever becomes of the job: it is billed all the same. */
  private async count(run: SyncRun, usage: UsageRow): Promise<void> {
    await this.jobs.addUsage(this.database, run.work.jobId, [usage]).catch((error: Error) => {
      this.logger.error('usage could not be counted', { job_id: run.work.jobId, reason: error.message });
    });
  }

  private limits(run: SyncRun): { deadlineAt: number; signal: AbortSignal } {
    return { deadlineAt: this.clock.now() + this.config.openai.timeoutSeconds * 1000, signal: run.signal };
  }
}

/** The reachable photos with their numbers in the client's list, from 1. */
function numbered(images: readonly string[], reachable: readonly string[]): PhotoRef[] {
  const left = new Set(reachable);
  return images.map((url, index) => ({ number: index + 1, url })).filter(({ url }) => left.has(url));
}
