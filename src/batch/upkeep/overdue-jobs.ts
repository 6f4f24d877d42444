import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { missingPhotos } from '../../common/missing-photo.js';
import { Database } from '../../database/database.service.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { JobStore } from '../../jobs/job-store.js';
import { JobShardStore } from '../shards/job-shard-store.js';
import { ShardStore, type ShardJob } from '../shards/shard-store.js';
import { UNFINISHED_SQL } from '../../jobs/states.js';
import { Deadlines } from '../limits/deadlines.js';
import { DescribedLots, type LotOutcome } from '../shards/described-lots.js';
import { JobAdvance } from '../shards/job-advance.js';
import { JobEndedError } from '../shards/job-ended.js';
import { ResultRows } from '../lines/result-rows.js';
import { TranslationReader } from '../lines/translation-reader.js';

/** Lots of one commit. */
const CHUNK_LOTS = 500;
const JOBS_AT_ONCE = 10;
const REASON = 'deadline';

const DEADLINE_EXCEEDED = {
  code: 'DEADLINE_EXCEEDED',
  message: 'The lot was not done within 24 hours; send it again.',
};

/** Jobs past their deadlines: the first makes their shards move at once, the second ends what is left. */
@Injectable()
export class OverdueJobs {
  private readonly logger = new Logger(OverdueJobs.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly settings: ModelSettings,
    private readonly jobs: JobStore,
    private readonly shards: ShardStore,
    private readonly jobShards: JobShardStore,
    private readonly described: DescribedLots,
    private readonly advance: JobAdvance,
    private readonly deadlines: Deadlines,
  ) {}

  /** Makes every waiting shard of a job past BATCH_DEADLINE due once; what each does then is its stage's. */
  hurry(): Promise<number> {
    return this.jobShards.hurry(this.deadlines.batchesAcceptedBefore, REASON);
  }

  /** Ends what no call can end in time. Many processes may do so at once: lots are moved under their locks. */
  async end(): Promise<void> {
    const overdue = await this.database.query<{ id: string }>(
      `select id from batch_jobs where mode = 'batch' and status in ${UNFINISHED_SQL} and created_at < $1
       order by created_at limit ${JOBS_AT_ONCE}`,
      [this.deadlines.everythingAcceptedBefore],
    );
    for (const { id } of overdue) {
      const job = await this.shards.job(this.database, id);
      if (job === undefined) continue;
      await this.endJob(job).catch((error: Error) => {
        // One that cannot be ended must not keep the others from their end.
        this.logger.error('an overdue job could not be ended', { job_id: id, reason: error.message });
      });
    }
  }

  private async endJob(job: ShardJob): Promise<void> {
    this.logger.error('a job missed its deadline', { job_id: job.id });
    try {
      while ((await this.failChunk(job)) || (await this.completeChunk(job)));
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
    }
    await this.jobShards.cancel(this.database, job.id);
  }

  /** @returns false when no lot without English is left */
  private async failChunk(job: ShardJob): Promise<boolean> {
    let found = 0;
    await this.advance.commit(job.id, async (tx) => {
      const lots = await tx.query<{
        position: number;
        status: string;
        missing_images: string[] | null;
        missing_reasons: string[] | null;
      }>(
        `select position, status, missing_images, missing_reasons from batch_lots
         where job_id = $1 and status in ('pending', 'processing') order by position limit ${CHUNK_LOTS} for update`,
        [job.id],
      );
      found = lots.length;
      if (found === 0) return null;
      const failed = lots.map((lot) => ({
        position: lot.position,
        error: DEADLINE_EXCEEDED,
        missingImages: missingPhotos(lot.missing_images, lot.missing_reasons),
      }));
      await this.jobs.failLots(tx, job.id, failed);
      const pending = lots.filter((lot) => lot.status === 'pending').length;
      return { awaitingImages: -pending, awaitingVision: pending - found, failed: found };
    });
    return found > 0;
  }

  /** Lots whose English is there complete with it. @returns false when none is left */
  private async completeChunk(job: ShardJob): Promise<boolean> {
    const left = await this.database.query<{ position: number; attempt: number }>(
      `select position, attempt from batch_lots where job_id = $1 and status = 'translating' order by position limit ${CHUNK_LOTS}`,
      [job.id],
    );
    if (left.length === 0) return false;
    const reader = new TranslationReader(this.database, this.settings, job);
    const lots = await reader.load(left.map((lot) => lot.position));
    const rows = new ResultRows(job.id, this.clock.date().toISOString());
    const outcomes = [...lots.values()]
      .sort((a, b) => a.position - b.position)
      .map((lot): LotOutcome => {
        const { results, renderedBytes } = reader.fallback(lot);
        const { position, attempt } = lot;
        const completed = { position, status: 'completed', attempt, renderedBytes, missing: null } as const;
        return { position, attempt, outcome: { kind: 'described', rows: rows.add(position, results), lot: completed } };
      });
    await this.advance.commit(job.id, (tx) => this.described.write(tx, job.id, 'translation', outcomes, rows));
    return true;
  }
}
