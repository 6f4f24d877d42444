import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  completionPercentage,
  estimateCompletion,
  lotsByStage,
  retryAfterSeconds,
  type JobCounts,
} from '../../src/jobs/job-progress.js';

const running: JobCounts = {
  status: 'processing',
  totalLots: 10,
  processedLots: 2,
  failedLots: 1,
  awaitingImages: 1,
  awaitingVision: 4,
  awaitingTranslation: 2,
};
const limits = { syncTimeoutSeconds: 300 };
const createdAt = new Date('2026-01-01T00:00:00Z');

describe('completionPercentage', () => {
  it('counts processed and failed lots, and says 100 only when all have ended', () => {
    expect(completionPercentage(running)).toBe(30);
    expect(completionPercentage({ totalLots: 3, processedLots: 1, failedLots: 0 })).toBe(33.33);
    expect(completionPercentage({ totalLots: 50_000, processedLots: 49_999, failedLots: 0 })).toBe(99.99);
    expect(completionPercentage({ totalLots: 7, processedLots: 0, failedLots: 7 })).toBe(100);
  });
});

describe('lotsByStage', () => {
  it('adds up to the total, running or ended', () => {
    expect(lotsByStage(running)).toEqual({
      image_check: 1,
      vision_analysis: 4,
      translation: 2,
      completed: 2,
      failed: 1,
      cancelled: 0,
    });
    expect(lotsByStage({ ...running, status: 'cancelled' })).toEqual({
      image_check: 0,
      vision_analysis: 0,
      translation: 0,
      completed: 2,
      failed: 1,
      cancelled: 7,
    });
  });
});

describe('estimateCompletion', () => {
  it('is the limit before any lot has ended', () => {
    const job = { ...running, processedLots: 0, failedLots: 0, createdAt, updatedAt: createdAt };
    expect(estimateCompletion({ ...job, mode: 'batch' }, limits)).toEqual(new Date('2026-01-02T00:00:00Z'));
    expect(estimateCompletion({ ...job, mode: 'sync' }, limits)).toEqual(new Date('2026-01-01T00:05:00Z'));
  });

  it('follows the pace so far', () => {
    const updatedAt = new Date('2026-01-01T03:00:00Z');
    expect(estimateCompletion({ ...running, mode: 'batch', createdAt, updatedAt }, limits)).toEqual(
      new Date('2026-01-01T10:00:00Z'),
    );
  });

  it('is null once the job has ended', () => {
    const job = { ...running, status: 'failed' as const, mode: 'batch' as const, createdAt, updatedAt: createdAt };
    expect(estimateCompletion(job, limits)).toBeNull();
  });

  it('never lies before the last change', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 48 * 3600 }), (ended, seconds) => {
        const updatedAt = new Date(createdAt.getTime() + seconds * 1000);
        const job = { ...running, processedLots: ended, failedLots: 0, mode: 'batch' as const, createdAt, updatedAt };
        const estimate = estimateCompletion(job, limits);
        if (ended > 0) expect(estimate?.getTime()).toBeGreaterThanOrEqual(updatedAt.getTime());
      }),
    );
  });
});

describe('retryAfterSeconds', () => {
  it('grows with the job, from two seconds to a minute', () => {
    const at = (seconds: number) => retryAfterSeconds({ createdAt }, createdAt.getTime() + seconds * 1000);
    expect([0, 60, 300, 1800, 86_400].map(at)).toEqual([2, 2, 10, 60, 60]);
  });
});
