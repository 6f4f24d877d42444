import { Inject, Injectable } from '@nestjs/common';
import { CommitInDoubtError } from '../common/database-away.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Transaction } from '../database/database.service.js';
import type { FailureCounters } from './job-failures.js';
import { addKeyUsageSql } from './key-usage-store.js';
import { runningState, UNFINISHED_SQL, type JobStatus, type StoredLotStatus } from './states.js';

/** What a job's row says of its lots. */
interface Counters {
  readonly awaitingImages: number;
  readonly awaitingVision: number;
  readonly awaitingTranslation: number;
  readonly processed: number;
  readonly failed: number;
  readonly images: number;
  readonly failures: FailureCounters;
}

interface CountedJob extends Counters {
  readonly status: JobStatus;
  readonly totalLots: number;
}

/** A job whose counters are what its lots say. */
export interface RecountedJob {
  /** False when they were right before. */
  readonly changed: boolean;
  /** True when every lot has ended: the caller must then end the job in the same transaction. */
  readonly finished: boolean;
  readonly processedLots: number;
}

/** Lots of one state and, if they failed, one code. */
interface LotsOfState {
  [column: string]: unknown;
  readonly status: StoredLotStatus;
  readonly code: string | null;
  readonly lots: number;
  readonly images: number;
  /** Texts as JSON has them, which are more precise than a Date. */
  readonly first: string | null;
  readonly last: string | null;
}

/**
 * Sets a batch's counters right from its lots. Both change in one transaction, but where lots lie on another server than their job, a
 * crash between the two commits leaves lots that no counter has counted: the lots' server commits first.
 */
@Injectable()
export class JobRecountStore {
  constructor(
    @Inject(APP_CONFIG) private readonly config: { readonly openai: Pick<AppConfig['openai'], 'visionModel'> },
  ) {}

  /**
   * Whoever moves lots needs the job's row before it commits, so while this transaction holds the row nothing moves that a later
   * transaction would not add.
   * @returns null when the job has ended or does not exist
   * @throws CommitInDoubtError while lots of the job are missing
   */
  async recount(tx: Transaction, jobId: string): Promise<RecountedJob | null> {
    // Waits for what is in doubt: where both servers prepare first, the job's may commit before the lots' one, which keeps the lots
    // locked until it has. Read without a lock they would be as before, and be counted a second time as soon as they are settled.
    await tx.query(
      'select count(*) from (select position from batch_lots where job_id = $1 order by position for share) as locked',
      [jobId],
    );
    const [job] = await tx.query<CountedJob & { [column: string]: unknown }>(
      `select status, total_lots as "totalLots", awaiting_images as "awaitingImages", awaiting_vision as "awaitingVision",
         awaiting_translation as "awaitingTranslation", processed_lots as processed, failed_lots as failed,
         processed_images::float8 as images, failures
       from batch_jobs where id = $1 and mode = 'batch' and status in ${UNFINISHED_SQL} for update`,
      [jobId],
    );
    if (job === undefined) return null;
    // A statement of its own, which sees what was committed before the row was locked.
    const lots = await tx.query<LotsOfState>(
      `select status, error->>'code' as code, count(*)::int as lots, sum(processed_images)::float8 as images,
         to_jsonb(min(finished_at))#>>'{}' as first, to_jsonb(max(finished_at))#>>'{}' as last
       from batch_lots where job_id = $1 group by 1, 2`,
      [jobId],
    );
    if (lots.reduce((sum, group) => sum + group.lots, 0) !== job.totalLots) {
      throw new CommitInDoubtError('not all lots of the job are there yet');
    }
    const counted = countersOf(lots);
    const finished = counted.processed + counted.failed === job.totalLots;
    if (areSame(job, counted)) return { changed: false, finished, processedLots: counted.processed };
    await this.write(tx, jobId, job, counted);
    return { changed: true, finished, processedLots: counted.processed };
  }

  private async write(tx: Transaction, jobId: string, job: CountedJob, counted: Counters): Promise<void> {
    const { status, stage } = runningState(counted, job.status);
    await tx.execute(
      `with job as (
         update batch_jobs set awaiting_images = $2, awaiting_vision = $3, awaiting_translation = $4, processed_lots = $5,
           failed_lots = $6, processed_images = $7, failures = $8, status = $9, stage = $10,
           started_at = coalesce(started_at, now()), updated_at = now(), version = version + 1
         where id = $1 returning key_id, mode)
       ${addKeyUsageSql({ model: '$11', lots: '$12::int' }, 'job where $12 > 0')}`,
      [
        jobId,
        counted.awaitingImages,
        counted.awaitingVision,
        counted.awaitingTranslation,
        counted.processed,
        counted.failed,
        counted.images,
        JSON.stringify(counted.failures),
        status,
        stage,
        this.config.openai.visionModel,
        counted.processed - job.processed,
      ],
    );
  }
}

function countersOf(lots: readonly LotsOfState[]): Counters {
  const sum = (of: (group: LotsOfState) => boolean) =>
    lots.reduce((total, group) => total + (of(group) ? group.lots : 0), 0);
  const failures = lots.flatMap(({ status, code, lots: failed, first, last }) =>
    status === 'failed' && code !== null && first !== null && last !== null
      ? [[code, { lots: failed, first, last }]]
      : [],
  );
  return {
    awaitingImages: sum(({ status }) => status === 'pending'),
    awaitingVision: sum(({ status }) => status === 'processing'),
    awaitingTranslation: sum(({ status }) => status === 'translating'),
    processed: sum(({ status }) => status === 'completed'),
    failed: sum(({ status }) => status === 'failed'),
    images: lots.reduce((total, { images }) => total + images, 0),
    failures: Object.fromEntries(failures) as FailureCounters,
  };
}

function areSame(job: Counters, lots: Counters): boolean {
  const codes = Object.keys(lots.failures);
  return (
    job.awaitingImages === lots.awaitingImages &&
    job.awaitingVision === lots.awaitingVision &&
    job.awaitingTranslation === lots.awaitingTranslation &&
    job.processed === lots.processed &&
    job.failed === lots.failed &&
    job.images === lots.images &&
    codes.length === Object.keys(job.failures).length &&
    codes.every((code) => job.failures[code]?.lots === lots.failures[code]?.lots)
  );
}
