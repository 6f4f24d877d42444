import { JOB_LIMIT_MS } from './job-limit.js';
import { deadlinesCountFrom, isPaused, type Pauses } from './job-pause.js';
import type { JobStatus } from './states.js';
import { isTerminal } from './states.js';

/** The columns of a job's row from which its progress is computed. */
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
  /** Lots without a result, when the job was cancelled. */
  readonly cancelled: number;
}

/** 100 × (processed + failed) / total, with at most two decimals, and 100 only when all lots have ended. */
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
 * When a running job will end if it goes on at the pace that it had when its row last changed; null when there is no
 * pace yet, and while it is paused. It depends on the row alone. Failed lots do not count: when a photo host is gone, they fail within seconds.
 */
export function estimateCompletion(
  job: JobCounts & Pauses & { readonly createdAt: Date; readonly startedAt: Date | null; readonly updatedAt: Date },
): Date | null {
  if (isTerminal(job.status) || job.processedLots === 0 || isPaused(job)) return null;
  const changed = job.updatedAt.getTime();
  const counted = deadlinesCountFrom(job, changed);
  // A job may have been paused before it was started, after it, or both: nothing of that is part of its pace.
  const taken = changed - Math.max(counted, (job.startedAt ?? job.createdAt).getTime());
  const left = job.totalLots - job.processedLots - job.failedLots;
  if (taken <= 0) return null;
  const end = Math.min(changed + (left * taken) / job.processedLots, counted + JOB_LIMIT_MS);
  // Times are shown in whole seconds, so this one is rounded up.
  return new Date(Math.ceil(end / 1000) * 1000);
}

/**
 * Seconds until a client should ask again: a thirtieth of the job's age, so that long jobs are not polled each second.
 */
export function retryAfterSeconds(job: { readonly createdAt: Date }, now: number): number {
  return Math.min(60, Math.max(2, Math.ceil((now - job.createdAt.getTime()) / 30_000)));
}
