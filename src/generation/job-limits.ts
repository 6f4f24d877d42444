import { Inject, Injectable } from '@nestjs/common';
import { estimateLot } from '../assessment/estimate.js';
import { worstLotUsd } from '../assessment/worst-case.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Transaction } from '../database/database.service.js';
import { ModelSettings } from '../describe/model-settings.js';
import type { JobOptions } from '../jobs/batch-job.entity.js';
import { JobStore } from '../jobs/job-store.js';
import { PhotoAveragesStore } from '../jobs/photo-averages-store.js';
import type { JobMode } from '../jobs/states.js';

/** A job that may be accepted, as far as its cost depends on it. */
export interface JobSize {
  readonly mode: JobMode;
  readonly languages: readonly string[];
  readonly options: JobOptions;
  readonly totalLots: number;
  readonly totalImages: number;
  /** Characters of additional_info over all lots. */
  readonly totalInfoCharacters: number;
}

/** What a new job may cost, and how many jobs a key may have: for jobs of a request and for retries alike. */
@Injectable()
export class JobLimits {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly jobs: JobStore,
    private readonly models: ModelSettings,
    private readonly photos: PhotoAveragesStore,
  ) {}

  /** Input tokens of a photo of this key that nobody has seen. */
  async expectedPhotoTokens(keyId: string): Promise<number> {
    return this.models.expectedPhotoTokens(await this.photos.recent(this.models.photosOf(keyId)));
  }

  /**
   * USD before anything is sent; null when the price of a model is not known.
   * @param photoTokens - input tokens of one of its photos on average
   */
  estimate(job: JobSize, photoTokens: number): number | null {
    const models = this.models.forJob(job.options);
    const others = models.toTranslate(job.languages).length;
    const settings = models.estimate(job.mode === 'batch', photoTokens);
    // Linear in lots and photos, so an average lot stands for all.
    const photos = job.totalImages / job.totalLots;
    const perLot = estimateLot(photos, job.totalInfoCharacters / job.totalLots, others, settings);
    if (perLot.costUsd === null) return null;
    return (perLot.costUsd - perLot.firstUsd) * job.totalLots + perLot.firstUsd;
  }

  /**
   * When the estimate is within the limit but the worst case is not, the limit is kept by sending fewer lots at a time.
   */
  isBelowWorstCase(job: JobSize): boolean {
    const most = job.options.max_cost_usd;
    if (most === undefined) return false;
    const models = this.models.forJob(job.options);
    const others = models.toTranslate(job.languages).length;
    const batch = job.mode === 'batch';
    const photos = job.totalImages / job.totalLots;
    const info = job.totalInfoCharacters / job.totalLots;
    const worst = worstLotUsd(photos, info, others, models.worstCase(batch), batch);
    return worst === null || most < worst * job.totalLots;
  }

  /** @throws ServiceError TOO_MANY_ACTIVE_JOBS */
  async refuseTooManyJobs(tx: Transaction, keyId: string): Promise<void> {
    const most = this.config.limits.maxActiveJobs;
    if ((await this.jobs.countActive(tx, keyId, most)) < most) return;
    throw new ServiceError('TOO_MANY_ACTIVE_JOBS', `At most ${most} jobs of a key may be unfinished at a time.`, {
      details: { max_active_jobs: most },
      headers: { 'Retry-After': '60' },
    });
  }
}

/** Whether an estimate is too high for the job's limit; of unknown prices every limit may be passed. */
export function isAboveLimit(cost: number | null, { max_cost_usd: most }: JobOptions): boolean {
  return most !== undefined && (cost === null || cost > most);
}

/** @throws ServiceError COST_LIMIT_EXCEEDED */
export function refuseAboveLimit(cost: number | null, options: JobOptions): void {
  if (!isAboveLimit(cost, options)) return;
  // Rounded up, so that a client that sends this value as its limit is not refused again.
  const estimated = cost === null ? null : Math.ceil(cost * 1_000_000) / 1_000_000;
  throw new ServiceError(
    'COST_LIMIT_EXCEEDED',
    cost === null
      ? 'The price of a model is not known, so max_cost_usd cannot be kept; nothing was sent.'
      : 'The estimated cost is above max_cost_usd; nothing was sent.',
    {
      members: { estimated_cost_usd: estimated },
      details: { estimated_cost_usd: estimated, max_cost_usd: options.max_cost_usd },
    },
  );
}

/** The warning for a job that may take more rounds, or end with lots that its limit did not allow. */
export const BELOW_WORST_CASE = 'max_cost_usd_below_worst_case';

/** An estimate as it is stored and answered, with the decimals that a job's row keeps. */
export function roundedUsd(cost: number | null): number | null {
  return cost === null ? null : Math.ceil(cost * 1e8) / 1e8;
}
