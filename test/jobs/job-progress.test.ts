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
const createdAt = new Date('2026-01-01T00:00:00Z');

describe('completionPercentage', () => {
  it('completionPercentage counts processed and failed lots, and says 100 only when all have ended', () => {
    expect(completionPercentage(running)).toBe(30);
    expect(completionPercentage({ totalLots: 3, processedLots: 1, failedLots: 0 })).toBe(33.33);
    expect(completionPercentage({ totalLots: 50_000, processedLots: 49_999, failedLots: 0 })).toBe(99.99);
    expect(completionPercentage({ totalLots: 7, processedLots: 0, failedLots: 7 })).toBe(100);
  });
});

describe('lotsByStage', () => {
  it('lotsByStage adds up to the total, running or ended', () => {
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
  const at = (time: string) => new Date(`2026-01-01T${time}Z`);
  const job = {
    ...running,
    createdAt,
    startedAt: null,
    updatedAt: at('02:00:00'),
    pausedAt: null,
    pausedMs: 0,
  };

  it('estimateCompletion goes on as completed lots did, and not as failed ones', () => {
    expect(estimateCompletion(job)).toEqual(at('09:00:00'));
    expect(estimateCompletion({ ...job, startedAt: at('01:00:00') })).toEqual(at('05:30:00'));
    expect(estimateCompletion({ ...job, failedLots: 7, awaitingVision: 0 })).toEqual(at('03:00:00'));
  });

  it('estimateCompletion is null without a completed lot, however many have failed', () => {
    for (const failedLots of [0, 1, 9]) {
      expect(estimateCompletion({ ...job, processedLots: 0, failedLots })).toBeNull();
    }
    expect(estimateCompletion({ ...job, updatedAt: createdAt })).toBeNull();
  });

  it('estimateCompletion is at most the time by which a batch must end', () => {
    expect(estimateCompletion({ ...job, totalLots: 50_000 })).toEqual(new Date('2026-01-02T00:00:00Z'));
  });

  it('estimateCompletion is a whole second, not before what it stands for', () => {
    expect(estimateCompletion({ ...job, processedLots: 7, updatedAt: at('00:00:01.300') })).toEqual(at('00:00:02'));
  });

  it('estimateCompletion leaves out the time while the job was paused, and is null while it is', () => {
    const hour = 3_600_000;
    // Of its two hours it was paused for one, before it was started or after.
    expect(estimateCompletion({ ...job, pausedMs: hour })).toEqual(at('05:30:00'));
    expect(estimateCompletion({ ...job, startedAt: at('01:00:00'), pausedMs: hour })).toEqual(at('05:30:00'));
    expect(estimateCompletion({ ...job, pausedAt: at('02:00:00'), pausedMs: hour })).toBeNull();
    expect(estimateCompletion({ ...job, totalLots: 50_000, pausedMs: hour })).toEqual(new Date('2026-01-02T01:00:00Z'));
  });

  it('estimateCompletion is null once the job has ended', () => {
    expect(estimateCompletion({ ...job, status: 'failed' })).toBeNull();
  });
});

describe('retryAfterSeconds', () => {
  it('retryAfterSeconds grows with the job, from two seconds to a minute', () => {
    const at = (seconds: number) => retryAfterSeconds({ createdAt }, createdAt.getTime() + seconds * 1000);
    expect([0, 60, 300, 1800, 86_400].map(at)).toEqual([2, 2, 10, 60, 60]);
  });
});
