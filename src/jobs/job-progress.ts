import { JOB_LIMIT_MS } from './job-limit.js';
import type { JobStatus } from './states.js';
import { isTerminal } from './states.js';

/** A job's row as far as its progress goes. */
export interface JobCounts {
  readonly status: JobStatus;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  readonly awaitingImages: number;
  readonly awaitingVision: number;
  readonly awaitingTranslation: number;
}

/** How many of a job's lots are in each stage; the sum is the job's total. */
export interface LotsByStage {
  readonly image_check: number;
  readonly vision_analysis: number;
  readonly translation: number;
  readonly completed: number;
  readonly failed: number;
  /** Lots without a result of a job that was cancelled. */
  readonly cancelled: number;
}

/** 100 × (processed + failed) / total, with at most two decimals, and 100 only when it is all of them. */
export function completionPercentage(job: Pick<JobCounts, 'totalLots' | 'processedLots' | 'failedLots'>): number {
  return Math.floor((10_000 * (job.processedLots + job.failedLots)) / job.totalLots) / 100;
}

export function lotsByStage(job: JobCounts): LotsByStage {
  const ended = isTerminal(job.status);
  return {
    image_check: ended ? 0 : job.awaitingImages,
    vision_analysis: ended ? 0 : job.awaitingVision,
    translation: ended ? 0 : job.awaitingTranslation,
    completed: job.processedLots,
    failed: job.failedLots,
    cancelled: ended ? job.totalLots - job.processedLots - job.failedLots : 0,
  };
}

/**
 * When a running job ends if it goes on as it did until its row last changed; null where there is no pace yet. A function
 * of the row alone. Lots that failed are no pace: a gone photo host fails them within seconds.
 */
export function estimateCompletion(
  job: JobCounts & { readonly createdAt: Date; readonly startedAt: Date | null; readonly updatedAt: Date },
): Date | null {
  if (isTerminal(job.status) || job.processedLots === 0) return null;
  const changed = job.updatedAt.getTime();
  const taken = changed - (job.startedAt ?? job.createdAt).getTime();
  const left = job.totalLots - job.processedLots - job.failedLots;
  if (taken <= 0) return null;
  const end = Math.min(changed + (left * taken) / job.processedLots, job.createdAt.getTime() + JOB_LIMIT_MS);
  // Times are told in whole seconds, and this one must not come out before it is over.
  return new Date(Math.ceil(end / 1000) * 1000);
}

/** Seconds until asking again is worth it: a thirtieth of the job's age, so that long jobs are not asked every second. */
export function retryAfterSeconds(job: { readonly createdAt: Date }, now: number): number {
  return Math.min(60, Math.max(2, Math.ceil((now - job.createdAt.getTime()) / 30_000)));
}
