import { Inject, Injectable } from '@nestjs/common';
import { missingPhotos } from '../common/missing-photo.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database, type Transaction } from '../database/database.service.js';
import type { JobOptions, StoredError } from './batch-job.entity.js';
import type { FailureCounters } from './job-failures.js';
import { JobStore } from './job-store.js';
import { addKeyUsageSql } from './key-usage-store.js';
import { isEnglishSource } from './result-store.js';
import { isLotEnded, JOB_SQL, JOB_STAGE_SQL, UNFINISHED_SQL, type ModelStage, type StoredLotStatus } from './states.js';
import { HELD, TRANSLATING } from './sync-job-store.js';
import type { ClaimedSyncJob, HeldSyncJob, LotAhead, StoredAnswer } from './sync-job.js';
import { usageOfJson } from './usage-json.js';

/** The SQL by which a process takes over synchronous jobs that another one left. */
@Injectable()
export class SyncTakeoverStore {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobStore,
    @Inject(APP_CONFIG) private readonly config: { readonly openai: Pick<AppConfig['openai'], 'visionModel'> },
  ) {}

  /**
   * Takes over up to `limit` jobs whose lease has run out, for `seconds`. Their lots are read afterwards: rows of jobs and of lots
   * may lie on different servers, and only the former are claimed.
   */
  async claimAbandoned(seconds: number, limit: number): Promise<ClaimedSyncJob[]> {
    const jobs = await this.database.query<AbandonedJob>(
      `with due as (
         select id from batch_jobs
         where mode = 'sync' and status in ${UNFINISHED_SQL} and locked_until < clock_timestamp()
         order by locked_until limit $2 for update skip locked)
       update batch_jobs j set lock_token = gen_random_uuid(),
         takeovers = takeovers + case when lock_token is null then 0 else 1 end,
         locked_until = clock_timestamp() + $1 * interval '1 second'
       from due where j.id = due.id
       returning j.id, j.languages, j.options, j.handed_over_at, j.takeovers, j.lock_token, j.awaiting_vision`,
      [seconds, limit],
    );
    const lots = await this.lotsOf(jobs.map(({ id }) => id));
    return jobs.flatMap((job) => {
      const lot = lots.get(job.id);
      return lot === undefined ? [] : [claimedJob(job, lot)];
    });
  }

  private async lotsOf(jobIds: readonly string[]): Promise<Map<string, AbandonedLot>> {
    if (jobIds.length === 0) return new Map();
    const rows = await this.database.query<AbandonedLot>(
      `select l.job_id, l.lot_id, l.status, l.error, to_jsonb(l.finished_at)#>>'{}' as finished_at, l.processed_images,
         l.missing_images, l.missing_reasons, i.additional_info, i.images, i.webhook,
         r.strings, r.assessment, r.needs_review as "needsReview", r.raw, r.model, r.usage
       from batch_lots l
       join batch_lot_inputs i on i.job_id = l.job_id and i.position = 0
       left join batch_results r on r.job_id = l.job_id and r.position = 0 and ${isEnglishSource('r')}
       where l.job_id = any($1::uuid[]) and l.position = 0`,
      [jobIds],
    );
    return new Map(rows.map((row) => [row.job_id, row]));
  }

  /**
   * Brings the job's row to where its lot is, with what the stored answer cost if no call of the job was counted yet. If the lot has
   * ended, the caller ends the job in the same transaction.
   * @returns false when the job has ended or is held by another process
   */
  async catchUp(tx: Transaction, held: HeldSyncJob, lot: LotAhead): Promise<boolean> {
    const { status, seen, usage } = lot;
    const state =
      status === 'translating'
        ? `awaiting_translation = 1, status = ${JOB_SQL[TRANSLATING.status]}, stage = ${JOB_STAGE_SQL[TRANSLATING.stage]}`
        : `awaiting_translation = 0, stage = ${JOB_STAGE_SQL.finishing}`;
    const [job] = await tx.query<{ counted: boolean }>(
      `with job as (
         update batch_jobs set awaiting_images = 0, awaiting_vision = 0, ${state}, processed_lots = $3::int, failed_lots = $4::int,
           failures = $5, processed_images = $6, version = version + 1, updated_at = now()
         where ${HELD} returning id, key_id, mode),
       used as (${addKeyUsageSql({ model: '$7', lots: '1' }, 'job where $3::int = 1')})
       select exists (select 1 from job_usage u where u.job_id = job.id and u.stage = $8) as counted from job`,
      [
        held.id,
        held.token,
        status === 'completed' ? 1 : 0,
        status === 'failed' ? 1 : 0,
        JSON.stringify(failuresOf(lot)),
        seen,
        this.config.openai.visionModel,
        'vision' satisfies ModelStage,
      ],
    );
    if (job === undefined) return false;
    if (!job.counted && usage !== null) await this.jobs.addUsage(tx, held.id, [usage]);
    return true;
  }
}

/** A failed lot as its job counts it. */
function failuresOf({ status, error, finishedAt }: LotAhead): FailureCounters {
  if (status !== 'failed' || error === null || finishedAt === null) return {};
  return { [error.code]: { lots: 1, first: finishedAt, last: finishedAt } };
}

interface AbandonedJob {
  id: string;
  lock_token: string;
  languages: string[];
  options: JobOptions;
  handed_over_at: Date | null;
  takeovers: number;
  awaiting_vision: number;
}

interface AbandonedLot {
  job_id: string;
  lot_id: string;
  status: StoredLotStatus;
  error: StoredError | null;
  finished_at: string | null;
  processed_images: number;
  missing_images: string[] | null;
  missing_reasons: string[] | null;
  additional_info: string | null;
  images: string[];
  webhook: string | null;
  strings: unknown;
  assessment: unknown;
  needsReview: unknown;
  raw: unknown;
  model: string | null;
  usage: unknown;
}

function claimedJob(job: AbandonedJob, lot: AbandonedLot): ClaimedSyncJob {
  return {
    id: job.id,
    token: job.lock_token,
    languages: job.languages,
    options: job.options,
    handedOver: job.handed_over_at !== null,
    takeovers: job.takeovers,
    lot: { lotId: lot.lot_id, additionalInfo: lot.additional_info, images: lot.images, webhook: lot.webhook },
    missingImages: missingPhotos(lot.missing_images, lot.missing_reasons),
    source: sourceOf(lot),
    ahead: aheadOf(job, lot),
  };
}

function aheadOf(job: AbandonedJob, lot: AbandonedLot): LotAhead | null {
  const { status, error } = lot;
  const isAhead = isLotEnded(status) || (status === 'translating' && job.awaiting_vision > 0);
  if (!isAhead) return null;
  return { status, error, finishedAt: lot.finished_at, seen: lot.processed_images, usage: usageOfJson(lot.usage) };
}

function sourceOf({ strings, assessment, needsReview, raw, model }: AbandonedLot): StoredAnswer | null {
  return strings === null || model === null ? null : { strings, assessment, needsReview, raw, model };
}
