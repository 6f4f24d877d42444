import type { SettingReader } from './setting-reader.js';

/**
 * Seconds before each attempt, counted from the attempt before: the five waits of the older service, then 30 min, 2 h,
 * 5 h, 10 h and 24 h.
 */
export const DEFAULT_WEBHOOK_SCHEDULE = [0, 30, 60, 120, 240, 1800, 7200, 18_000, 36_000, 86_400] as const;

/** WEBHOOK_SCHEDULE: seconds, separated by commas. */
export function readRetrySchedule(read: SettingReader): readonly number[] {
  const items = read.list('WEBHOOK_SCHEDULE');
  if (items.length === 0) return DEFAULT_WEBHOOK_SCHEDULE;
  const seconds = items.map((item) => (/^\d+(\.\d+)?$/.test(item) ? Number(item) : Number.NaN));
  if (seconds.some((value) => Number.isNaN(value))) {
    read.problem('WEBHOOK_SCHEDULE must be seconds separated by commas');
    return DEFAULT_WEBHOOK_SCHEDULE;
  }
  return seconds;
}
