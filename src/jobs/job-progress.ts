import type { JobMode, JobStatus } from './states.js';
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

export interface EstimateLimits {
  readonly syncTimeoutSeconds: number;
}

/** Every batch ends within this time: what misses it fails. */
const BATCH_LIMIT_MS = 24 * 3_600_000;

/**
 * When a running job is likely to end; null once it has.
 * A function of the row alone, so that one version of a job always reads the same: the pace so far, measured at the
 * row's last change, and before any lot ended the time by which the job must be done.
 */
export function estimateCompletion(
  job: JobCounts & { readonly mode: JobMode; readonly createdAt: Date; readonly updatedAt: Date },
  limits: EstimateLimits,
): Date | null {
  if (isTerminal(job.status)) return null;
  const start = job.createdAt.getTime();
  const latest = start + (job.mode === 'sync' ? limits.syncTimeoutSeconds * 1000 : BATCH_LIMIT_MS);
  const share = (job.processedLots + job.failedLots) / job.totalLots;
  if (share === 0) return new Date(latest);
  const changed = job.updatedAt.getTime();
  return new Date(Math.max(changed, Math.min(latest, start + (changed - start) / share)));
}

/** Seconds until asking again is worth it: a thirtieth of the job's age, so that long jobs are not asked every second. */
export function retryAfterSeconds(job: { readonly createdAt: Date }, now: number): number {
  return Math.min(60, Math.max(2, Math.ceil((now - job.createdAt.getTime()) / 30_000)));
}
