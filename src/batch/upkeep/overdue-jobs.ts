import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Database } from '../../database/database.service.js';
import { LotTexts } from '../../describe/lot-texts.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { JobGlossaries } from '../../glossaries/job-glossaries.js';
import { JobShardStore } from '../shards/job-shard-store.js';
import { ModelLotReader } from '../../jobs/model-lot-reader.js';
import { LotEndStore } from '../../jobs/lot-end-store.js';
import { failuresOf } from '../../jobs/lot-moves.js';
import { LotStore } from '../../jobs/lot-store.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { JobReader } from '../../jobs/job-reader.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import { Deadlines } from '../limits/deadlines.js';
import { DescribedLots, type LotOutcome } from '../shards/described-lots.js';
import { JobAdvance } from '../shards/job-advance.js';
import { JobEndedError } from '../shards/job-ended.js';
import { ResultRows } from '../../jobs/result-rows.js';
import { TranslationReader } from '../lines/translation-reader.js';

/** How many lots are committed together. */
const CHUNK_LOTS = 500;
const JOBS_AT_ONCE = 10;
const REASON = 'deadline';

const DEADLINE_EXCEEDED: LotEnd = {
  code: 'DEADLINE_EXCEEDED',
  message: 'The lot was not done within 24 hours; send it again.',
};

/**
 * Handles jobs past their deadlines. Past the first, their shards become due at once; past the second, the rest is
 * ended.
 */
@Injectable()
export class OverdueJobs {
  private readonly logger = new Logger(OverdueJobs.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly settings: ModelSettings,
    private readonly texts: LotTexts,
    private readonly glossaries: JobGlossaries,
    private readonly jobShards: JobShardStore,
    private readonly modelLots: ModelLotReader,
    private readonly lots: LotStore,
    private readonly lotEnds: LotEndStore,
    private readonly jobReader: JobReader,
    private readonly described: DescribedLots,
    private readonly advance: JobAdvance,
    private readonly deadlines: Deadlines,
  ) {}

  /** Makes every waiting shard of a job past BATCH_DEADLINE due, once; its stage decides what happens then. */
  hurry(): Promise<number> {
    return this.jobShards.hurry(this.deadlines.batchesCountedBefore, REASON);
  }

  /**
   * Ends jobs that no call can finish in time. Many processes may do this at once, because lots are changed under
   * locks.
   */
  async end(): Promise<void> {
    for (const job of await this.jobReader.unfinishedBatches(this.deadlines.everythingCountedBefore, JOBS_AT_ONCE)) {
      await this.endJob(job).catch((error: Error) => {
        // A job that cannot be ended must not stop the others from being ended.
        this.logger.error('an overdue job could not be ended', { job_id: job.id, reason: error.message });
      });
    }
  }

  private async endJob(job: ShardJob): Promise<void> {
    this.logger.error('a job missed its deadline', { job_id: job.id });
    try {
      while ((await this.failChunk(job)) || (await this.completeChunk(job)));
      // Still there although no lot is left: a commit of before was lost in part.
      await this.advance.recount(job.id);
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
    }
    await this.database.transaction((tx) => this.jobShards.cancel(tx, job.id));
  }

  /** @returns false when no lot without English is left */
  private async failChunk(job: ShardJob): Promise<boolean> {
    let found = 0;
    await this.advance.commit(job.id, async (tx) => {
      const lots = await this.lotEnds.lockUndescribed(tx, job.id, CHUNK_LOTS);
      found = lots.length;
      if (found === 0) return null;
      const failed = lots.map(({ position, missing }) => ({
        position,
        error: DEADLINE_EXCEEDED,
        missingImages: missing,
      }));
      await this.lots.fail(tx, job.id, failed);
      const pending = lots.filter(({ unchecked }) => unchecked).length;
      return { awaitingImages: -pending, awaitingVision: pending - found, failed: failuresOf(failed) };
    });
    return found > 0;
  }

  /** Completes lots that have their English text with it. @returns false when none is left */
  private async completeChunk(job: ShardJob): Promise<boolean> {
    const left = await this.lotEnds.translating(this.database, job.id, CHUNK_LOTS);
    if (left.length === 0) return false;
    const words = await this.glossaries.wordsOf(job.id);
    const reader = new TranslationReader(this.modelLots, this.settings, this.texts, job, words);
    const lots = await reader.load(left);
    const rows = new ResultRows(job.id, this.clock.date().toISOString());
    const outcomes = [...lots.values()]
      .sort((a, b) => a.position - b.position)
      .map((lot): LotOutcome => {
        const { results, renderedBytes, ...late } = reader.completed(lot);
        const { position, attempt } = lot;
        const completed = { position, status: 'completed', attempt, renderedBytes, missing: null } as const;
        return {
          position,
          attempt,
          outcome: { ...late, kind: 'described', rows: rows.add(position, results), lot: completed },
        };
      });
    await this.advance.commit(job.id, (tx) => this.described.write(tx, job.id, 'translation', outcomes, rows));
    return true;
  }
}
